#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/common/row_marks.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

class PostgresConnection;

/// Tables of a PostgreSQL database, laid out as FORMAT.md beside this header says. One program of
/// Forkcast writes at a time; readers wait for nobody and see what was committed before they began.
class PostgresTableDao final : public TableDao {
 public:
  /// Errors as OpenStore(). `url`: see PostgresConnection::Open().
  static Result<std::unique_ptr<TableDao>> Open(const std::string& url, StoreAccess access);
  ~PostgresTableDao() override;

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
  explicit PostgresTableDao(std::unique_ptr<PostgresConnection> connection) noexcept;

  /// Runs `change` within the caller's transaction, or within one of its own, so that it happens
  /// whole or not at all. kIo for a reader.
  Status Atomically(const std::function<Status()>& change);
  Status EnsureBookkeeping();
  /// Records what the table is declared as.
  Status KeepSpec(const TableSpec& spec);
  /// The SpecText() that was recorded of the table; none: nothing was.
  Result<std::optional<std::string>> KeptSpec(const std::string& table);
  /// The columns of `spec`, by position, that the table lacks; none: there is no such table.
  Result<std::optional<std::vector<std::size_t>>> ColumnsToAdd(const TableSpec& spec);
  Result<bool> Exists(std::string_view table);
  Result<bool> HasColumn(std::string_view table, std::string_view column);
  Status AppendKeyed(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                     AppendCounts& counts, std::size_t& failed_row);
  Result<std::vector<RecordedFile>> FilesBy(std::string_view table, std::string_view column,
                                            std::string_view value);
  /// The statement that gives the rows of `source` in their order.
  Result<std::string> SelectOf(const StoredRows& source, const Schema& schema);
  /// Hands the rows of `sql`, which reads `source`, to `sink`.
  Status ReadSql(const std::string& sql, const StoredRows& source, const Schema& schema,
                 const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                 const std::function<Status(const Table&)>& sink);
  /// Leaves the marks (row_marks.hpp) of what the transaction did; before its end.
  Status LeaveMarks();
  Status LeaveMark(const std::string& table, RowChange change);
  /// The mark of the table that was left last; none: it has none.
  Result<std::optional<std::string>> LastMark(std::string_view table);

  std::unique_ptr<PostgresConnection> connection_;
  bool listens_ = false;           // to NOTIFY forkcast
  std::size_t notifications_ = 0;  // since then
  ChangedTables changed_;  // by the transaction at hand
};

/// The store's row in the table of kinds (store_kind.hpp); a place is what follows `postgresql:`.
Result<std::unique_ptr<TableDao>> OpenPostgresStore(std::string_view place, StoreAccess access);

}  // namespace forkcast::preprocessing
