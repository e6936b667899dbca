#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What ingesting one file did.
struct IngestReport {
  std::string table;
  std::string file;
  std::size_t rows = 0;  ///< Rows in the file; 0 when it was skipped unread.
  AppendCounts counts;
  bool file_known = false;  ///< A table without key had this file's content already.
};

/// `(bytes read, bytes in all)` of the file at hand.
using IngestProgress = std::function<void(std::size_t, std::size_t)>;

/// Reads `file` into the table, which is created when absent. To be called within a transaction:
/// after an error the caller rolls back, and the store is as before. Errors as CsvTableReader and
/// TableDao, a conflicting row with file and line. `progress` may be empty.
Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                OnConflict on_conflict, const IngestProgress& progress);

/// `DIR/<table>.csv` or `DIR/<table>.csv.gz`. kNotFound naming both when neither exists,
/// kInvalidArgument when both do.
Result<std::filesystem::path> FindTableFile(const std::filesystem::path& folder,
                                            const std::string& table);

}  // namespace forkcast::preprocessing
