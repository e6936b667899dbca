#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/dao/common/sql_table_dao.hpp"
#include "data_preprocessing/dao/mysql/mysql_url.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

class MysqlConnection;

/// Tables of a MariaDB database, laid out as FORMAT.md beside this header says. One program of
/// Forkcast writes at a time; readers wait for nobody and see what was committed before they began.
///
/// MariaDB ends a transaction where a table is created. So tables and views are created on a second
/// connection, and such a table counts as there only once it is recorded in forkcast_tables, which
/// the transaction does.
class MysqlTableDao final : public SqlTableDao {
 public:
  /// Errors as OpenStore(). `place`: see ParseMysqlUrl().
  static Result<std::unique_ptr<TableDao>> Open(std::string_view place, StoreAccess access);
  ~MysqlTableDao() override;

  Status Begin() override;
  Status Commit() override;
  void Rollback() noexcept override;
  Result<AppendCounts> Append(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                              std::size_t& failed_row) override;
  Status Read(const StoredRows& source, const Schema& schema,
              const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
              const std::function<Status(const Table&)>& sink) override;

 private:
  MysqlTableDao(MysqlUrl url, std::unique_ptr<MysqlConnection> connection);

  [[nodiscard]] Status CheckMayWrite() const override;
  [[nodiscard]] bool in_transaction() const noexcept override { return in_transaction_; }
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

  /// The connection on which nothing is within the transaction.
  Result<MysqlConnection*> Beside();
  Status ExecuteBeside(const std::string& sql);
  Result<bool> HasColumn(std::string_view table, std::string_view column);
  /// Whether the table, of this comment, was made for a transaction that has never been committed:
  /// it is not recorded, and empty.
  Result<bool> IsLeftover(std::string_view table, std::string_view comment);
  Status AppendRows(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                    AppendCounts& counts, std::size_t& failed_row);
  /// Of a batch whose first row has the place `first`: what becomes of the rows that were not
  /// inserted, since their keys are there.
  Status MeetStored(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                    std::int64_t first, AppendCounts& counts, std::size_t& failed_row);
  Status Replace(const TableSpec& spec, AppendCounts& counts);
  Status FindOthers(const TableSpec& spec, OnConflict on_conflict, std::int64_t first,
                    AppendCounts& counts, std::size_t& failed_row);
  /// The statement that gives the rows of `source` in their order.
  Result<std::string> SelectOf(const StoredRows& source, const Schema& schema);
  Status CheckSource(const StoredRows& source, const std::string& sql, const Schema& schema,
                     const std::vector<ForbiddenColumn>& forbidden);

  MysqlUrl url_;
  std::unique_ptr<MysqlConnection> connection_;
  std::unique_ptr<MysqlConnection> beside_;
  bool in_transaction_ = false;
  /// A call has failed within the transaction, which can only be undone.
  bool is_spoilt_ = false;
  std::vector<std::string> created_;  ///< Tables of this transaction.
};

/// The store's row in the table of kinds (store_kind.hpp); a place is what follows `mysql:`.
Result<std::unique_ptr<TableDao>> OpenMysqlStore(std::string_view place, StoreAccess access);

}  // namespace forkcast::preprocessing
