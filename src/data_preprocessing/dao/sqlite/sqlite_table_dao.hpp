#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/common/sql_table_dao.hpp"
#include "data_preprocessing/dao/sqlite/row_writer.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// How long a call waits for another program's lock before it fails.
inline constexpr std::chrono::milliseconds kStoreBusyTimeout{5000};

/// Tables in one SQLite file, laid out as FORMAT.md beside this header says. One program writes at
/// a time; while it commits, and while a large transaction outgrows its memory, others wait.
class SqliteTableDao final : public SqlTableDao {
 public:
  /// Errors as OpenStore().
  static Result<std::unique_ptr<TableDao>> Open(
      const std::filesystem::path& path, StoreAccess access,
      std::chrono::milliseconds busy_timeout = kStoreBusyTimeout);
  ~SqliteTableDao() override;

  Status Begin() override;
  Status Commit() override;
  void Rollback() noexcept override;
  Result<AppendCounts> Append(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                              std::size_t& failed_row) override;
  Status Read(const StoredRows& source, const Schema& schema,
              const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
              const std::function<Status(const Table&)>& sink) override;

 private:
  explicit SqliteTableDao(std::unique_ptr<SqliteConnection> connection) noexcept;

  // Of a reader SQLite itself refuses what changes something.
  [[nodiscard]] Status CheckMayWrite() const override { return {}; }
  [[nodiscard]] bool in_transaction() const noexcept override;
  [[nodiscard]] Status CheckDeclaration(const TableSpec& spec) const override;
  Result<TextRows> Ask(const std::string& sql, std::span<const Parameter> parameters) override;
  Result<bool> Exists(std::string_view name) override;
  [[nodiscard]] std::string KeyOf(std::string_view table) const override;
  Status EnsureBookkeeping() override;
  Status CreateTable(const TableSpec& spec) override;
  Status AddColumn(const TableSpec& spec, const ColumnSpec& column) override;
  Result<std::string> StoreMark() override;
  [[nodiscard]] std::string OrderOfValues(const Schema& schema) const override;
  Status ReadSql(const std::string& sql, const StoredRows& source, const Schema& schema,
                 const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                 const std::function<Status(const Table&)>& sink) override;
  Result<std::string> FileColumns() override;

  /// What writes into the table until the transaction ends, or another table is written.
  Result<RowWriter*> WriterOf(const TableSpec& spec);
  Status FinishWriter();
  Result<bool> HasColumn(std::string_view table, std::string_view column);

  std::unique_ptr<SqliteConnection> connection_;
  std::optional<RowWriter> writer_;
};

/// The store's row in the table of kinds (store_kind.hpp); a place is the path of its file.
Result<std::unique_ptr<TableDao>> OpenSqliteStore(std::string_view path, StoreAccess access);
std::string FolderBesideSqliteStore(std::string_view path);

}  // namespace forkcast::preprocessing
