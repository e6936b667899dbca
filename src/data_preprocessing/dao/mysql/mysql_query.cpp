#include "data_preprocessing/dao/mysql/mysql_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/mysql/canonical_query.hpp"
#include "data_preprocessing/dao/mysql/mysql_statement.hpp"
#include "data_preprocessing/dao/mysql/result_values.hpp"

namespace forkcast::preprocessing {
namespace {

/// The view that a query is while it is checked. One that a killed program has left is replaced by
/// the next.
constexpr std::string_view kView = "forkcast_query";
/// By which those who make it exclude each other.
constexpr std::string_view kViewLock = "concat('forkcast_query ', md5(database()))";

Error QueryError(std::string why) { return {ErrorCode::kInvalidArgument, std::move(why)}; }

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Takes a comment off the front; the server runs what stands in /*! and /*M!, which is none.
bool TakeComment(std::string_view& sql) {
  const auto take_until = [&sql](std::string_view end) {
    const std::size_t at = sql.find(end);
    sql.remove_prefix(at == std::string_view::npos ? sql.size() : at + end.size());
    return true;
  };
  if (sql.starts_with('#')) return take_until("\n");
  if (sql.starts_with("--") && (sql.size() == 2 || IsSpace(sql[2]))) return take_until("\n");
  const bool is_run = sql.starts_with("/*!") || sql.starts_with("/*M!");
  return sql.starts_with("/*") && !is_run && take_until("*/");
}

/// The first word of a statement.
std::string_view FirstWord(std::string_view sql) {
  while (!sql.empty()) {
    if (IsSpace(sql.front()) || sql.front() == '(') {
      sql.remove_prefix(1);
    } else if (!TakeComment(sql)) {
      break;
    }
  }
  const auto end = std::ranges::find_if_not(
      sql, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return sql.substr(0, static_cast<std::size_t>(end - sql.begin()));
}

/// The view of a query, for as long as this lives.
class ViewOfQuery {
 public:
  static Result<ViewOfQuery> Make(const MysqlConnection& connection, const std::string& sql) {
    Status locked = connection.Lock(kViewLock);
    if (!locked) return std::move(locked).error();
    ViewOfQuery view(connection);
    const auto made = connection.Ask(fmt::format("CREATE OR REPLACE VIEW {} AS {}", kView, sql));
    if (!made) return made.error();
    return view;
  }
  ViewOfQuery(ViewOfQuery&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  ViewOfQuery& operator=(ViewOfQuery&&) = delete;
  ~ViewOfQuery() {
    if (connection_ == nullptr) return;
    static_cast<void>(connection_->Execute(fmt::format("DROP VIEW IF EXISTS {}", kView)));
    static_cast<void>(connection_->Unlock(kViewLock));
  }

 private:
  explicit ViewOfQuery(const MysqlConnection& connection) noexcept : connection_(&connection) {}

  const MysqlConnection* connection_;
};

/// A forbidden column that the database has, by the name that it has there.
struct RealColumn {
  const ForbiddenColumn* forbidden;
  std::string name;
};

Result<std::vector<RealColumn>> FindColumns(const MysqlConnection& connection,
                                            const std::vector<ForbiddenColumn>& forbidden) {
  std::vector<RealColumn> found;
  for (const ForbiddenColumn& one : forbidden) {
    const auto columns = connection.Ask(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND "
        "table_name = ? AND column_name = ?",
        std::array<MysqlConnection::Parameter, 2>{one.table, one.column});
    if (!columns) return columns.error();
    for (const auto& row : *columns) found.push_back({&one, row.front().value_or("")});
  }
  return found;
}

/// The text of a view; none: this is no view.
Result<std::optional<std::string>> TextOfView(const MysqlConnection& connection,
                                              const FullName& name) {
  const auto found = connection.Ask(
      "SELECT view_definition FROM information_schema.views WHERE table_schema = ? AND "
      "table_name = ?",
      std::array<MysqlConnection::Parameter, 2>{name.first, name.second});
  if (!found) return found.error();
  if (found->empty()) return std::optional<std::string>();
  std::string text = found->front().front().value_or("");
  if (text.empty()) {
    return QueryError(
        fmt::format("it reads the view {}, whose definition this user may not see", name.second));
  }
  return std::optional(std::move(text));
}

/// Checks the view and those that it reads, however deep.
Status CheckViews(const MysqlConnection& connection, const std::vector<RealColumn>& columns) {
  std::set<FullName> seen{{connection.database(), std::string(kView)}};
  std::vector<FullName> waiting(seen.begin(), seen.end());
  while (!waiting.empty()) {
    const FullName name = std::move(waiting.back());
    waiting.pop_back();
    const Result<std::optional<std::string>> text = TextOfView(connection, name);
    if (!text) return text.error();
    if (!*text) continue;
    Status told = CheckIsTold(**text);
    if (!told) return told;
    for (const RealColumn& one : columns) {
      const FullName table{connection.database(), one.forbidden->table};
      if (MayRead(**text, table, one.name)) return ReadsForbidden(*one.forbidden);
    }
    for (const FullName& other : NamesIn(**text)) {
      if (seen.insert(other).second) waiting.push_back(other);
    }
  }
  return {};
}

}  // namespace

Status CheckIsSelect(const MysqlConnection& connection, const std::string& sql) {
  const std::string_view word = FirstWord(sql);
  constexpr std::array<std::string_view, 3> kSelects{"select", "with", "values"};
  if (std::ranges::none_of(kSelects,
                           [word](auto select) { return EqualsIgnoringCase(select, word); })) {
    return QueryError("expected one SELECT");
  }
  const Result<MysqlStatement> statement = MysqlStatement::Prepare(connection, sql);
  if (!statement) return statement.error();
  if (statement->column_count() == 0) return QueryError("expected one SELECT");
  if (statement->parameter_count() != 0) return QueryError("it has parameters");
  return {};
}

Status CheckForbidden(const MysqlConnection& connection, const std::string& sql,
                      const std::vector<ForbiddenColumn>& forbidden) {
  const Result<std::vector<RealColumn>> columns = FindColumns(connection, forbidden);
  if (!columns) return columns.error();
  if (columns->empty()) return {};
  const Result<ViewOfQuery> view = ViewOfQuery::Make(connection, sql);
  if (!view) return view.error();
  return CheckViews(connection, *columns);
}

Status CheckForbidden(const MysqlConnection& connection, const std::string& table,
                      const Schema& schema, const std::vector<ForbiddenColumn>& forbidden) {
  const Result<std::optional<std::string>> view =
      TextOfView(connection, {connection.database(), table});
  if (!view) return view.error();
  if (*view) {
    std::string names;
    for (const ColumnSpec& column : schema.columns) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", QuoteMysqlIdentifier(column.name));
    }
    return CheckForbidden(connection,
                          fmt::format("SELECT {} FROM {}", names, QuoteMysqlIdentifier(table)),
                          forbidden);
  }
  const auto reads = [&](const ForbiddenColumn& one) {
    return EqualsIgnoringCase(one.table, table) &&
           std::ranges::any_of(schema.columns, [&one](const ColumnSpec& column) {
             return EqualsIgnoringCase(column.name, one.column);
           });
  };
  const auto found = std::ranges::find_if(forbidden, reads);
  return found == forbidden.end() ? Status() : ReadsForbidden(*found);
}

Status ReadRows(const MysqlConnection& connection, const std::string& sql, const Schema& schema,
                std::size_t batch_rows, const std::function<Status(const Table&)>& sink) {
  Result<MysqlStatement> statement = MysqlStatement::Prepare(connection, sql);
  if (!statement) return statement.error();
  Status run = statement->Execute();
  if (!run) return run;
  Result<ResultRow> row = ResultRow::Bind(*statement, schema);
  if (!row) return row.error();
  Table batch(schema);
  std::size_t rows = 0;
  while (true) {
    const Result<bool> fetched = statement->Fetch();
    if (!fetched) return fetched.error();
    if (*fetched) {
      Status appended = row->AppendTo(batch);
      if (!appended) return appended;
      ++rows;
    }
    if (rows == batch_rows || (!*fetched && rows > 0)) {
      Status taken = sink(batch);
      if (!taken) return taken;
      batch.Clear();
      rows = 0;
    }
    if (!*fetched) return {};
  }
}

}  // namespace forkcast::preprocessing
