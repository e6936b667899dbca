#include "data_preprocessing/dao/postgres/postgres_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/postgres/binary_values.hpp"

namespace forkcast::preprocessing {
namespace {

/// What happens while it lives is undone with it: a transaction of its own, or a part of the one
/// that there is.
class UndoneScope {
 public:
  static Result<UndoneScope> Begin(const PostgresConnection& connection) {
    const bool within = connection.in_transaction();
    Status begun = connection.Execute(within ? "SAVEPOINT forkcast_scope"
                                             : "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (!begun) return std::move(begun).error();
    return UndoneScope(connection, within);
  }
  UndoneScope(UndoneScope&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)), within_(other.within_) {}
  UndoneScope& operator=(UndoneScope&&) = delete;
  UndoneScope(const UndoneScope&) = delete;
  UndoneScope& operator=(const UndoneScope&) = delete;
  ~UndoneScope() {
    if (connection_ == nullptr) return;
    static_cast<void>(
        connection_->Execute(within_ ? "ROLLBACK TO SAVEPOINT forkcast_scope" : "ROLLBACK"));
    if (within_) static_cast<void>(connection_->Execute("RELEASE SAVEPOINT forkcast_scope"));
  }

 private:
  UndoneScope(const PostgresConnection& connection, bool within) noexcept
      : connection_(&connection), within_(within) {}

  const PostgresConnection* connection_;
  bool within_;
};

Error QueryError(std::string why) { return {ErrorCode::kInvalidArgument, std::move(why)}; }

/// The query as a view, and what it depends on: `views` are it and those that it reads, however
/// deep; `parts` what the rules of these say.
constexpr std::string_view kReached = R"(
WITH RECURSIVE views(id) AS (
  SELECT 'pg_temp.forkcast_query'::regclass::oid
  UNION
  SELECT on_.refobjid
  FROM views JOIN pg_rewrite rule ON rule.ev_class = views.id
    JOIN pg_depend on_ ON on_.classid = 'pg_rewrite'::regclass AND on_.objid = rule.oid
      AND on_.refclassid = 'pg_class'::regclass
    JOIN pg_class of_ ON of_.oid = on_.refobjid AND of_.relkind IN ('v', 'm')),
parts AS (
  SELECT rule.oid, rule.ev_action::text AS text
  FROM views JOIN pg_rewrite rule ON rule.ev_class = views.id)
)";

/// A query about these parts.
std::string OfReached(std::string_view query) { return fmt::format("{}{}", kReached, query); }

Status CheckColumns(const PostgresConnection& connection,
                    const std::vector<ForbiddenColumn>& forbidden) {
  const Result<PgResult> columns = connection.Run(OfReached(R"(
SELECT of_.relname, attribute.attname
FROM parts JOIN pg_depend on_ ON on_.classid = 'pg_rewrite'::regclass AND on_.objid = parts.oid
    AND on_.refclassid = 'pg_class'::regclass
  JOIN pg_class of_ ON of_.oid = on_.refobjid
  JOIN pg_attribute attribute ON attribute.attrelid = of_.oid AND attribute.attnum = on_.refobjsubid
)"));
  if (!columns) return columns.error();
  for (std::size_t row = 0; row < columns->row_count(); ++row) {
    const auto reads = [&](const ForbiddenColumn& one) {
      return EqualsIgnoringCase(one.table, columns->Bytes(row, 0)) &&
             EqualsIgnoringCase(one.column, columns->Bytes(row, 1));
    };
    const auto found = std::ranges::find_if(forbidden, reads);
    if (found != forbidden.end()) return ReadsForbidden(*found);
  }
  return {};
}

Status CheckWholeRows(const PostgresConnection& connection) {
  // So a stored query writes a reference to no single column of a table.
  const Result<PgResult> found =
      connection.Run(OfReached("SELECT 1 FROM parts WHERE text LIKE '%:varattno 0 %' LIMIT 1"));
  if (!found) return found.error();
  if (found->row_count() == 0) return {};
  return QueryError(
      "it reads a row as a whole, and with it a column that is forbidden here: name the columns");
}

Status CheckFunctions(const PostgresConnection& connection) {
  const Result<PgResult> found = connection.Run(OfReached(R"(
SELECT function.proname
FROM parts CROSS JOIN LATERAL
    regexp_matches(parts.text, ':(?:funcid|aggfnoid|winfnoid) (\d+)', 'g') AS called
  JOIN pg_proc function ON function.oid = called[1]::oid
  JOIN pg_language language ON language.oid = function.prolang
WHERE function.provolatile = 'v' OR function.proname LIKE '%\_to\_xml%'
  OR (function.pronamespace <> 'pg_catalog'::regnamespace AND language.lanname NOT IN ('internal', 'c'))
LIMIT 1)"));
  if (!found) return found.error();
  if (found->row_count() == 0) return {};
  return QueryError(fmt::format(
      "it calls the function {}, which may read by itself what is forbidden here: one that is "
      "immutable or stable, and not written in SQL or PL, is expected",
      found->Bytes(0, 0)));
}

/// The names of the result columns, each as it is declared: SQL does not tell upper from lower
/// case.
std::vector<std::string> NamesOf(const PgResult& rows, const Schema& schema) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.column_count(); ++i) {
    const std::string_view name = rows.ColumnName(i);
    const auto same = [name](const ColumnSpec& column) {
      return EqualsIgnoringCase(column.name, name);
    };
    const auto declared = std::ranges::find_if(schema.columns, same);
    names.emplace_back(declared == schema.columns.end() ? name : std::string_view(declared->name));
  }
  return names;
}

/// Rows of the open cursor, until there are none.
Status Fetch(const PostgresConnection& connection, const Schema& schema, std::size_t batch_rows,
             const std::function<Status(const Table&)>& sink) {
  const std::string fetch = fmt::format("FETCH FORWARD {} FROM forkcast_rows", batch_rows);
  Table batch(schema);
  std::optional<std::vector<std::size_t>> columns;
  while (true) {
    const Result<PgResult> rows = connection.Run(fetch, {}, PostgresConnection::Form::kBinary);
    if (!rows) return rows.error();
    if (!columns) {
      Result<std::vector<std::size_t>> matched = MatchColumns(NamesOf(*rows, schema), schema);
      if (!matched) return std::move(matched).error();
      columns = *std::move(matched);
    }
    if (rows->row_count() == 0) return {};
    for (std::size_t row = 0; row < rows->row_count(); ++row) {
      for (std::size_t i = 0; i < columns->size(); ++i) {
        Status appended =
            AppendBinary(*rows, row, (*columns)[i], schema.columns[i], batch.column(i));
        if (!appended) return appended;
      }
    }
    Status taken = sink(batch);
    if (!taken) return taken;
    batch.Clear();
  }
}

}  // namespace

Status CheckIsSelect(const PostgresConnection& connection, const std::string& sql) {
  const Result<UndoneScope> scope = UndoneScope::Begin(connection);
  if (!scope) return scope.error();
  const Result<PgResult> described = connection.Describe(sql);
  if (!described) return described.error();
  if (described->column_count() == 0) return QueryError("expected one SELECT");
  if (described->parameter_count() != 0) return QueryError("it has parameters");
  return {};
}

Status CheckForbidden(const PostgresConnection& connection, const std::string& sql,
                      const std::vector<ForbiddenColumn>& forbidden) {
  if (forbidden.empty()) return {};
  const Result<UndoneScope> scope = UndoneScope::Begin(connection);
  if (!scope) return scope.error();
  Status done = connection.Execute("CREATE TEMPORARY VIEW forkcast_query AS " + sql);
  if (done) done = CheckColumns(connection, forbidden);
  if (done) done = CheckWholeRows(connection);
  if (done) done = CheckFunctions(connection);
  return done;
}

Status ReadRows(const PostgresConnection& connection, const std::string& sql, const Schema& schema,
                std::size_t batch_rows, const std::function<Status(const Table&)>& sink) {
  const Result<UndoneScope> scope = UndoneScope::Begin(connection);
  if (!scope) return scope.error();
  for (const std::string& begin : {std::string("SET TRANSACTION READ ONLY"),
                                   "DECLARE forkcast_rows NO SCROLL CURSOR FOR " + sql}) {
    Status begun = connection.Execute(begin);
    if (!begun) return begun;
  }
  return Fetch(connection, schema, batch_rows, sink);
}

}  // namespace forkcast::preprocessing
