#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/source/reject_sink.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What ingesting one source did.
struct IngestReport {
  std::string table;
  std::string source;
  std::size_t rows = 0;  ///< Rows in the source; 0 when it was skipped unread.
  AppendCounts counts;
  std::size_t removed = 0;        ///< Rows of the same file, as it was before.
  std::size_t rejected = 0;       ///< Set aside, and not part of `rows`.
  bool already_known = false;     ///< A table without key had this source's contents already.
  std::size_t rejected_then = 0;  ///< When it had: how many were set aside at that time.
};

/// What to do with a file of a table without key that was taken in before with other contents: who
/// takes all of its rows beside the old ones has most of them twice.
enum class OnOtherContents {
  kRefuse,
  kAppend,   ///< `--again`: the file has other rows each time, as a delivery has.
  kReplace,  ///< `--replace`: the file has grown or was mended; its old rows are removed.
};

struct IngestRules {
  OnConflict on_conflict = OnConflict::kRefuse;
  OnOtherContents on_other_contents = OnOtherContents::kRefuse;
};

/// `(done, in all)` of the source at hand, as its SourcePosition.
using IngestProgress = std::function<void(std::size_t, std::size_t)>;

/// kConflict when times of the table were read in another zone than `zone` by an earlier ingest: a
/// time without zone would mean another instant then, and old rows other days.
Status CheckZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone);
/// Records that they are read in `zone` from now on, where nothing is recorded.
Status KeepZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone);

/// Reads `source` into the table, which is created when absent. To be called within a transaction:
/// after an error the caller rolls back, and the store is as before. Errors as RowSource and
/// TableDao, a conflicting row with its place in the source; kConflict for other contents, too.
/// `progress` may be empty. With `rejects`, rows that are wrong go there, those that conflict too
/// unless they replace, and the store remembers how many; beyond the limit it is an error
/// (RejectSink::Add).
Result<IngestReport> Ingest(TableDao& dao, const TableSpec& spec, RowSource& source,
                            const IngestRules& rules, const IngestProgress& progress,
                            RejectSink* rejects = nullptr);

/// The same for rows of which the caller keeps what was taken, as by a bookmark: no contents are
/// remembered and compared.
Result<IngestReport> IngestRows(TableDao& dao, const TableSpec& spec, RowSource& source,
                                const IngestRules& rules, RejectSink* rejects);

/// The same for a CSV file, or a gzip of one.
Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                const IngestRules& rules, const IngestProgress& progress);

}  // namespace forkcast::preprocessing
