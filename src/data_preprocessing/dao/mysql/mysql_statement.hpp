#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/mysql/mysql_connection.hpp"

struct st_mysql_stmt;

namespace forkcast::preprocessing {

/// One prepared statement, which must not outlive its connection. Its results stream: nothing else
/// can be asked of the connection until the statement is gone, which skips what was not read.
class MysqlStatement {
 public:
  static Result<MysqlStatement> Prepare(const MysqlConnection& connection, const std::string& sql);

  [[nodiscard]] std::size_t column_count() const noexcept;
  [[nodiscard]] std::size_t parameter_count() const noexcept;
  [[nodiscard]] std::size_t changes() const noexcept;
  /// Runs it; of one with parameters, with those bound by st_mysql_stmt's own means.
  Status Execute();
  /// Runs it with these texts.
  Status Execute(std::span<const MysqlConnection::Parameter> parameters);
  /// True: the next row is in the buffers that were bound. False: there is none.
  Result<bool> Fetch();
  /// All rows of the result, where buffers were not bound.
  Result<MysqlConnection::TextRows> FetchTexts();

  [[nodiscard]] st_mysql_stmt* get() const noexcept { return statement_.get(); }
  [[nodiscard]] Error LastError() const;

 private:
  struct Close {
    void operator()(st_mysql_stmt* statement) const noexcept;
  };
  MysqlStatement(const MysqlConnection& connection, st_mysql_stmt* statement) noexcept
      : connection_(&connection), statement_(statement) {}

  const MysqlConnection* connection_;
  std::unique_ptr<st_mysql_stmt, Close> statement_;
};

}  // namespace forkcast::preprocessing
