#include "data_preprocessing/dao/mysql/mysql_statement.hpp"

#include <mysql.h>

#include <vector>

namespace forkcast::preprocessing {

void MysqlStatement::Close::operator()(st_mysql_stmt* statement) const noexcept {
  mysql_stmt_close(statement);
}

Result<MysqlStatement> MysqlStatement::Prepare(const MysqlConnection& connection,
                                               const std::string& sql) {
  MysqlStatement statement(connection, mysql_stmt_init(connection.get()));
  if (statement.get() == nullptr) return connection.ErrorOf("out of memory");
  if (mysql_stmt_prepare(statement.get(), sql.data(), sql.size()) != 0) {
    return statement.LastError();
  }
  return statement;
}

Error MysqlStatement::LastError() const {
  return connection_->ErrorOf(mysql_stmt_errno(get()), mysql_stmt_sqlstate(get()),
                              mysql_stmt_error(get()));
}

std::size_t MysqlStatement::column_count() const noexcept { return mysql_stmt_field_count(get()); }

std::size_t MysqlStatement::parameter_count() const noexcept {
  return mysql_stmt_param_count(get());
}

std::size_t MysqlStatement::changes() const noexcept { return mysql_stmt_affected_rows(get()); }

Status MysqlStatement::Execute() { return mysql_stmt_execute(get()) == 0 ? Status() : LastError(); }

Status MysqlStatement::Execute(std::span<const MysqlConnection::Parameter> parameters) {
  std::vector<MYSQL_BIND> binds(parameters.size(), MYSQL_BIND{});
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    MYSQL_BIND& bind = binds[i];
    if (!parameters[i]) {
      bind.buffer_type = MYSQL_TYPE_NULL;
      continue;
    }
    bind.buffer_type = MYSQL_TYPE_STRING;
    // The library only reads what a parameter points to.
    bind.buffer = const_cast<char*>(parameters[i]->data());
    bind.buffer_length = parameters[i]->size();
  }
  if (!binds.empty() && mysql_stmt_bind_param(get(), binds.data()) != 0) return LastError();
  return Execute();
}

Result<bool> MysqlStatement::Fetch() {
  switch (mysql_stmt_fetch(get())) {
    case 0:
    case MYSQL_DATA_TRUNCATED:  // the reader looks at the lengths
      return true;
    case MYSQL_NO_DATA:
      return false;
    default:
      return LastError();
  }
}

Result<MysqlConnection::TextRows> MysqlStatement::FetchTexts() {
  MysqlConnection::TextRows rows;
  const std::size_t columns = column_count();
  if (columns == 0) return rows;
  std::vector<MYSQL_BIND> binds(columns, MYSQL_BIND{});
  std::vector<unsigned long> lengths(columns);
  std::vector<my_bool> missing(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].length = &lengths[i];
    binds[i].is_null = &missing[i];
  }
  if (mysql_stmt_bind_result(get(), binds.data()) != 0) return LastError();
  while (true) {
    const Result<bool> fetched = Fetch();
    if (!fetched) return fetched.error();
    if (!*fetched) return rows;
    auto& row = rows.emplace_back(columns);
    for (std::size_t i = 0; i < columns; ++i) {
      if (missing[i] != 0) continue;
      row[i].emplace(lengths[i], '\0');
      MYSQL_BIND value{};
      value.buffer_type = MYSQL_TYPE_STRING;
      value.buffer = row[i]->data();
      value.buffer_length = lengths[i];
      if (mysql_stmt_fetch_column(get(), &value, static_cast<unsigned>(i), 0) != 0) {
        return LastError();
      }
    }
  }
}

}  // namespace forkcast::preprocessing
