#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"
#include "data_preprocessing/table/stored_rows.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

/// A stored table: its columns and, when declared, the columns whose values identify a row.
struct TableSpec {
  std::string name;
  Schema schema;
  std::vector<std::string> key;  ///< Empty: rows have no identity, whole files are known instead.
  CsvDialect csv{};              ///< How its files are written; nothing that a store keeps.
  /// The name of its GrowingColumn, which says something where somebody else keeps the table;
  /// empty: there is none.
  std::string grows_by{};

  /// Its rows, as they are read.
  [[nodiscard]] TableSource Source() const {
    TableSource source{.table = name};
    if (const auto column = schema.Find(grows_by)) {
      source.grows_by = GrowingColumn{.name = grows_by, .type = schema.columns[*column].type};
    }
    return source;
  }
  friend bool operator==(const TableSpec&, const TableSpec&) = default;
};

/// A column of a stored table that a query may not touch: the label, when features are read.
struct ForbiddenColumn {
  std::string table;
  std::string column;
};

/// What to do with a row whose key is stored with other values.
enum class OnConflict {
  kRefuse,
  kReplace,   ///< `--upsert`: the new row takes the old one's place and counts as ingested last.
  kSetAside,  ///< `--rejects`: the new row is left out, and AppendCounts tells of it.
};

/// A row of a batch that was left out.
struct RefusedRow {
  std::size_t row = 0;
  std::string reason;
};

struct AppendCounts {
  std::size_t added = 0;
  std::size_t identical = 0;  ///< Already stored with the same values; nothing done.
  std::size_t replaced = 0;
  std::vector<RefusedRow> refused;  ///< With OnConflict::kSetAside only.
};

/// Rows that follow each other in the order of ingestion: their places first..last, which only
/// their store understands.
struct RowRange {
  static constexpr std::int64_t kBegin = std::numeric_limits<std::int64_t>::min();

  std::int64_t first = 1;  ///< kBegin: the very first one.
  std::int64_t last = 0;

  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(last - first + 1);
  }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// How far the rows of a table were read.
struct RowCursor {
  std::int64_t last_row = 0;  ///< Place of the last one.
  /// By which the store knows that the rows up to there are still those that were read: it forgets
  /// the mark when one of them is replaced or removed, and a store that was put back to an earlier
  /// state never had it.
  std::string mark;

  friend bool operator==(const RowCursor&, const RowCursor&) = default;
};

/// What a store remembers of a file that was taken in.
struct KnownFile {
  std::size_t rejected = 0;  ///< Lines that were left out.
  /// Its rows, in a table without key; none: an earlier release took it in, and did not note them.
  std::optional<RowRange> rows{};

  friend bool operator==(const KnownFile&, const KnownFile&) = default;
};

/// A file that was recorded.
struct RecordedFile {
  std::string content_hash;
  KnownFile file;

  friend bool operator==(const RecordedFile&, const RecordedFile&) = default;
};

/// A store of tables. One object is one connection: not thread-safe, and to be opened after
/// fork(), in the process that uses it. Every failure is a value: kIo for what the database or the
/// system refuses (with its words), kNotReady where that may pass (retry.hpp), kConflict for rows,
/// kInvalidArgument for a wrong declaration. Names of tables and columns are quoted, values bound.
///
/// Values come back as they went in: texts byte for byte, numbers bit for bit, instants to the
/// microsecond. By which type of its own a store keeps a declared type is said in its FORMAT.md,
/// and nothing outside its folder knows. What holds of every store is in dao/common, and in the
/// contract test that each passes (tests/data_preprocessing/dao/table_dao_contract.hpp).
class TableDao {
 public:
  virtual ~TableDao() = default;

  /// Starts, ends or undoes the one transaction that a connection can have. Whatever was not
  /// committed when the object is destroyed is undone.
  virtual Status Begin() = 0;
  virtual Status Commit() = 0;
  virtual void Rollback() noexcept = 0;

  /// Creates the table when it is absent, and adds columns that may be missing to one that lacks
  /// them. kConflict when it exists with other columns, types, nullability or key.
  virtual Status EnsureTable(const TableSpec& spec) = 0;

  /// Whether a table or view of this name is there that no EnsureTable() created: one that somebody
  /// else keeps, and that is read only.
  virtual Result<bool> IsForeign(const std::string& table) = 0;

  /// Adds the rows of `batch` (schema: spec.schema) in their order. In a table with key, a row
  /// stored identically is skipped; one stored with other values ends the call with kConflict
  /// (`failed_row` then holds its position in `batch`) unless `on_conflict` replaces it or leaves
  /// it out. Rows of one batch meet each other by the same rule.
  virtual Result<AppendCounts> Append(const TableSpec& spec, const Table& batch,
                                      OnConflict on_conflict, std::size_t& failed_row) = 0;

  /// What was recorded of a file of this content hash for the table, and the recording of it.
  virtual Result<std::optional<KnownFile>> FindFile(std::string_view table,
                                                    std::string_view content_hash) = 0;
  virtual Status RecordFile(std::string_view table, std::string_view content_hash,
                            std::string_view file_name, const KnownFile& file) = 0;

  /// Those recorded for the table under this name, the oldest first.
  virtual Result<std::vector<RecordedFile>> FilesNamed(std::string_view table,
                                                       std::string_view file_name) = 0;
  /// Removes the rows of a recorded file and its record. Precondition: file.file.rows.
  virtual Status RemoveFile(std::string_view table, const RecordedFile& file) = 0;
  /// The place of the row that was ingested last; 0 when there is none.
  virtual Result<std::int64_t> LastRow(std::string_view table) = 0;

  /// The cursor behind all rows of the table, for whoever reads them all; none where the store
  /// keeps no marks: of a view, a table that was not written since an earlier release, or one of
  /// somebody else's without a growing column. Of one with such a column it is behind the rows that
  /// none is expected to come before any more, and places are the column's values (a timestamp's
  /// microseconds since 1970).
  virtual Result<std::optional<RowCursor>> CursorOf(const TableSource& /*source*/) {
    return std::optional<RowCursor>();
  }
  /// Whether the rows up to the cursor are those of which it was given. Rows that somebody changed
  /// past this interface are not noticed, unless a FORMAT.md says so.
  virtual Result<bool> IsUnchanged(const TableSource& /*source*/, const RowCursor& /*cursor*/) {
    return false;
  }
  /// How many rows there are in it. Precondition: CursorOf() knows the table.
  virtual Result<std::uint64_t> CountRows(const TableSource& /*source*/, const RowRange& rows) {
    return rows.size();
  }

  /// The time zone that was recorded for the table: the one in which the times of its rows were
  /// read; none where nothing was. Recording takes the place of what was recorded before.
  virtual Result<std::optional<std::string>> ZoneOf(std::string_view table) = 0;
  virtual Status RecordZone(std::string_view table, std::string_view zone) = 0;

  /// How far a source whose rows keep coming (a file of a folder that is followed, a partition of a
  /// topic) has been taken into the table: a text of the source's own; none: nothing was.
  virtual Result<std::optional<std::string>> BookmarkOf(std::string_view table,
                                                        std::string_view source) = 0;
  /// Moves it to `position`, unless it is another than `expected`: false then, and no change, since
  /// somebody else has taken in what follows. Within the transaction of the rows that it counts,
  /// each of them is taken once, whoever is killed when.
  virtual Result<bool> MoveBookmark(std::string_view table, std::string_view source,
                                    const std::optional<std::string>& expected,
                                    std::string_view position) = 0;

  /// A text that becomes another one when others have changed rows of the store, for those who look
  /// again and again. That it became another one need not mean that rows changed.
  virtual Result<std::string> ChangeMark() = 0;

  /// Hands the source's rows to `sink` in batches of at most `batch_rows`, in the order in which
  /// they were ingested (a table), which a store keeps on purpose and not by chance, or returned (a
  /// query). A query must be one SELECT, in the store's SQL, that names the columns of `schema`, in
  /// any order; it can change nothing, and touches none of `forbidden`, be it in a WHERE, through a
  /// view, or unnamed: kInvalidArgument otherwise, naming the column. A result must be of the type
  /// by which the store keeps the declared one (a number declared double may be whole); another,
  /// or a missing value where there may be none, is kInvalidArgument naming the column. `sink` may
  /// stop the reading with an error, which is returned.
  virtual Status Read(const StoredRows& source, const Schema& schema,
                      const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                      const std::function<Status(const Table&)>& sink) = 0;

  /// The same for those rows of a table whose places are in `rows`. Precondition: CursorOf() knows
  /// the table.
  virtual Status ReadRows(const TableSource& /*source*/, const RowRange& /*rows*/,
                          const Schema& /*schema*/,
                          const std::vector<ForbiddenColumn>& /*forbidden*/,
                          std::size_t /*batch_rows*/,
                          const std::function<Status(const Table&)>& /*sink*/) {
    return Error{ErrorCode::kInternal, "this store keeps no places of rows"};
  }
};

enum class StoreAccess {
  kReadOnly,  ///< The store must exist.
  /// A missing store is created (its folder must exist), and removed again with the connection
  /// when nothing was committed to it.
  kReadWriteCreate,
};

/// kInvalidArgument when `url` is not of a kind of store that there is (store_kind.hpp); the
/// message lists them, and shows no more of the URL than its scheme.
Status CheckStoreUrl(std::string_view url);

/// Opens the store that `url` names. kInvalidArgument as CheckStoreUrl, kIo when it is missing,
/// locked beyond 5 s, or not a database (the message says which and names it).
Result<std::unique_ptr<TableDao>> OpenStore(std::string_view url, StoreAccess access);

/// The folder in which snapshots of a store are published unless told otherwise, which is beside
/// it: `PATH.snapshots` for `sqlite:PATH`. kInvalidArgument as CheckStoreUrl, and for a store that
/// is no file: the message asks for --snapshots.
Result<std::string> DefaultSnapshotFolder(std::string_view url);

}  // namespace forkcast::preprocessing
