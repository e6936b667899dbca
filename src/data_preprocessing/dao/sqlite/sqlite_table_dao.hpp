#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/common/row_marks.hpp"
#include "data_preprocessing/dao/sqlite/row_writer.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// How long a call waits for another program's lock before it fails.
inline constexpr std::chrono::milliseconds kStoreBusyTimeout{5000};

/// Tables in one SQLite file, laid out as FORMAT.md beside this header says. One program writes at
/// a time; while it commits, and while a large transaction outgrows its memory, others wait.
class SqliteTableDao final : public TableDao {
 public:
  /// Errors as OpenStore().
  static Result<std::unique_ptr<TableDao>> Open(
      const std::filesystem::path& path, StoreAccess access,
      std::chrono::milliseconds busy_timeout = kStoreBusyTimeout);
  ~SqliteTableDao() override;

  Status Begin() override;
  Status Commit() override;
  void Rollback() noexcept override;
  Status EnsureTable(const TableSpec& spec) override;
  Result<bool> IsForeign(const std::string& table) override;
  Result<AppendCounts> Append(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                              std::size_t& failed_row) override;
  Result<std::optional<KnownFile>> FindFile(std::string_view table,
                                            std::string_view content_hash) override;
  Status RecordFile(std::string_view table, std::string_view content_hash,
                    std::string_view file_name, const KnownFile& file) override;
  Result<std::vector<RecordedFile>> FilesNamed(std::string_view table,
                                               std::string_view file_name) override;
  Status RemoveFile(std::string_view table, const RecordedFile& file) override;
  Result<std::int64_t> LastRow(std::string_view table) override;
  Result<std::optional<RowCursor>> CursorOf(const std::string& table) override;
  Result<bool> IsUnchanged(const std::string& table, const RowCursor& cursor) override;
  Result<std::optional<std::string>> ZoneOf(std::string_view table) override;
  Status RecordZone(std::string_view table, std::string_view zone) override;
  Result<std::optional<std::string>> BookmarkOf(std::string_view table,
                                                std::string_view source) override;
  Result<bool> MoveBookmark(std::string_view table, std::string_view source,
                            const std::optional<std::string>& expected,
                            std::string_view position) override;
  Result<std::string> ChangeMark() override;
  Status Read(const StoredRows& source, const Schema& schema,
              const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
              const std::function<Status(const Table&)>& sink) override;
  Status ReadRows(const TableSource& source, const RowRange& rows, const Schema& schema,
                  const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                  const std::function<Status(const Table&)>& sink) override;

 private:
  explicit SqliteTableDao(std::unique_ptr<SqliteConnection> connection) noexcept;

  /// Runs `change` within the caller's transaction, or within one of its own, so that it happens
  /// whole or not at all.
  Status Atomically(const std::function<Status()>& change);
  /// What writes into the table until the transaction ends, or another table is written.
  Result<RowWriter*> WriterOf(const TableSpec& spec);
  Status FinishWriter();
  /// Creates Forkcast's own tables where they are absent, and what older ones lack.
  Status EnsureBookkeeping();
  /// The SpecText() that was recorded of the table; none: nothing was.
  Result<std::optional<std::string>> KeptSpec(const std::string& table);
  /// The columns of `spec`, by position, that the table lacks; none: there is no such table.
  Result<std::optional<std::vector<std::size_t>>> ColumnsToAdd(const TableSpec& spec);
  Status AddColumns(const TableSpec& spec, const std::vector<std::size_t>& columns);
  /// Records what the table is declared as.
  Status KeepSpec(const TableSpec& spec);
  /// Those recorded with `value` in `column`.
  Result<std::vector<RecordedFile>> FilesBy(std::string_view table, std::string_view column,
                                            std::string_view value);
  Result<bool> HasColumn(std::string_view table, std::string_view column);
  /// Leaves the marks (row_marks.hpp) of what the transaction did; before its end.
  Status LeaveMarks();
  Status LeaveMark(const std::string& table, RowChange change);
  /// The mark of the table that was left last; none: it has none.
  Result<std::optional<std::string>> LastMark(std::string_view table);
  /// Hands the rows of `sql`, which reads `source`, to `sink`.
  Status ReadSql(const std::string& sql, const StoredRows& source, const Schema& schema,
                 const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                 const std::function<Status(const Table&)>& sink);
  /// Whether the database has a table or view of this name.
  Result<bool> Exists(std::string_view name);

  std::unique_ptr<SqliteConnection> connection_;
  std::optional<RowWriter> writer_;
  ChangedTables changed_;  // by the transaction at hand
};

/// The store's row in the table of kinds (store_kind.hpp); a place is the path of its file.
Result<std::unique_ptr<TableDao>> OpenSqliteStore(std::string_view path, StoreAccess access);
std::string FolderBesideSqliteStore(std::string_view path);

}  // namespace forkcast::preprocessing
