#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/mysql/mysql_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// kInvalidArgument unless `sql`, whatever a user wrote, is one SELECT without parameters.
[[nodiscard]] Status CheckIsSelect(const MysqlConnection& connection, const std::string& sql);

/// kInvalidArgument when the SELECT reads one of `forbidden`, be it in a WHERE, through a view or
/// unnamed, or when that cannot be told. The server is asked: for the time of the check the query
/// is the view `forkcast_query`, so that it needs the right to create views, and no transaction of
/// this connection.
[[nodiscard]] Status CheckForbidden(const MysqlConnection& connection, const std::string& sql,
                                    const std::vector<ForbiddenColumn>& forbidden);

/// The same of a table, by the columns that are read of it; of a view, as of a query.
[[nodiscard]] Status CheckForbidden(const MysqlConnection& connection, const std::string& table,
                                    const Schema& schema,
                                    const std::vector<ForbiddenColumn>& forbidden);

/// Runs the SELECT and hands its rows to `sink` as TableDao::Read().
[[nodiscard]] Status ReadRows(const MysqlConnection& connection, const std::string& sql,
                              const Schema& schema, std::size_t batch_rows,
                              const std::function<Status(const Table&)>& sink);

}  // namespace forkcast::preprocessing
