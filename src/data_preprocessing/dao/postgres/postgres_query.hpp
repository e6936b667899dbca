#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/postgres/postgres_connection.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// kInvalidArgument unless `sql`, whatever a user wrote, is one SELECT without parameters.
[[nodiscard]] Status CheckIsSelect(const PostgresConnection& connection, const std::string& sql);

/// kInvalidArgument when the SELECT reads one of `forbidden`, be it in a WHERE, through a view or
/// unnamed. The server is asked, which keeps of each view what it depends on: for the time of the
/// check the query is a temporary view. Refused, too, is what that does not tell: whole rows
/// (`SELECT t FROM t`), and functions that may run SQL of their own. kIo when a temporary view
/// cannot be made, as on a standby.
[[nodiscard]] Status CheckForbidden(const PostgresConnection& connection, const std::string& sql,
                                    const std::vector<ForbiddenColumn>& forbidden);

/// Runs the SELECT, which can change nothing, and hands its rows to `sink` as TableDao::Read().
[[nodiscard]] Status ReadRows(const PostgresConnection& connection, const std::string& sql,
                              const Schema& schema, std::size_t batch_rows,
                              const std::function<Status(const Table&)>& sink);

}  // namespace forkcast::preprocessing
