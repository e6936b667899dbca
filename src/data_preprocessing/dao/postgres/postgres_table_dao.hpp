#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/dao/common/sql_table_dao.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

class PostgresConnection;

/// Tables of a PostgreSQL database, laid out as FORMAT.md beside this header says. One program of
/// Forkcast writes at a time; readers wait for nobody and see what was committed before they began.
class PostgresTableDao final : public SqlTableDao {
 public:
  /// Errors as OpenStore(). `url`: see PostgresConnection::Open().
  static Result<std::unique_ptr<TableDao>> Open(const std::string& url, StoreAccess access);
  ~PostgresTableDao() override;

  Status Begin() override;
  Status Commit() override;
  void Rollback() noexcept override;
  Result<AppendCounts> Append(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                              std::size_t& failed_row) override;
  Status Read(const StoredRows& source, const Schema& schema,
              const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
              const std::function<Status(const Table&)>& sink) override;

 private:
  explicit PostgresTableDao(std::unique_ptr<PostgresConnection> connection) noexcept;

  [[nodiscard]] Status CheckMayWrite() const override;
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
  Status WaitForWriters() override;
  Result<std::string> OtherChanges(const std::string& table) override;

  Result<bool> HasColumn(std::string_view table, std::string_view column);
  Status AppendKeyed(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                     AppendCounts& counts, std::size_t& failed_row);
  /// The statement that gives the rows of `source` in their order.
  Result<std::string> SelectOf(const StoredRows& source, const Schema& schema);

  std::unique_ptr<PostgresConnection> connection_;
  bool listens_ = false;           // to NOTIFY forkcast
  std::size_t notifications_ = 0;  // since then
};

/// The store's row in the table of kinds (store_kind.hpp); a place is what follows `postgresql:`.
Result<std::unique_ptr<TableDao>> OpenPostgresStore(std::string_view place, StoreAccess access);

}  // namespace forkcast::preprocessing
