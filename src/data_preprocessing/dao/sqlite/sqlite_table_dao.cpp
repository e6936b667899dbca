#include "data_preprocessing/dao/sqlite/sqlite_table_dao.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/sqlite/sql_text.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"

namespace forkcast::preprocessing {
namespace {

using namespace std::string_literals;

// FORMAT.md beside this file describes what is created here.
constexpr std::array<std::string_view, 5> kCreateBookkeeping{
    "CREATE TABLE IF NOT EXISTS forkcast_tables ("
    "table_name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, spec TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS forkcast_files ("
    "table_name TEXT NOT NULL COLLATE NOCASE, content_hash TEXT NOT NULL, file_name TEXT NOT NULL, "
    "rejected INTEGER NOT NULL DEFAULT 0, first_row INTEGER, last_row INTEGER, "
    "PRIMARY KEY (table_name, content_hash)) STRICT",
    "CREATE TABLE IF NOT EXISTS forkcast_zones ("
    "table_name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, zone TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS forkcast_bookmarks ("
    "table_name TEXT NOT NULL COLLATE NOCASE, source TEXT NOT NULL, position TEXT NOT NULL, "
    "PRIMARY KEY (table_name, source)) STRICT",
    "CREATE TABLE IF NOT EXISTS forkcast_marks ("
    "table_name TEXT NOT NULL COLLATE NOCASE, mark TEXT NOT NULL, last_row INTEGER NOT NULL, "
    "PRIMARY KEY (table_name, mark)) STRICT"};

/// Columns that forkcast_files has besides those of its first release.
constexpr std::array<std::string_view, 3> kLaterFileColumns{
    "rejected INTEGER NOT NULL DEFAULT 0", "first_row INTEGER", "last_row INTEGER"};

std::string ColumnSql(const ColumnSpec& column) {
  const std::string name = QuoteIdentifier(column.name);
  std::string sql = name;
  switch (column.type) {
    case ColumnType::kText:
      sql += " TEXT";
      break;
    case ColumnType::kDouble:
      sql += " REAL";
      break;
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      sql += " INTEGER";
      break;
    case ColumnType::kBool:
      sql += " INTEGER CHECK (" + name + " IN (0, 1))";
      break;
  }
  return column.nullable ? sql : sql + " NOT NULL";
}

std::string CreateTableSql(const TableSpec& spec) {
  return fmt::format("CREATE TABLE {} ({}) STRICT", QuoteIdentifier(spec.name),
                     Join(spec.schema.columns.size(), ", ",
                          [&](std::size_t i) { return ColumnSql(spec.schema.columns[i]); }));
}

std::vector<std::string> ColumnNames(const SqliteStatement& statement) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < statement.column_count(); ++i) {
    names.emplace_back(statement.ColumnName(i));
  }
  return names;
}

/// The statement that gives the rows of a table in their order.
Result<std::string> SelectOf(const TableSource& source, const Schema& schema) {
  const Status good = CheckTableName(source.table);
  if (!good) return good.error();
  return fmt::format("SELECT {} FROM {} ORDER BY _rowid_", JoinNames(schema.columns),
                     QuoteIdentifier(source.table));
}

// A timestamp is kept as its microseconds.
std::string MicrosOf(std::string_view timestamp) { return std::string(timestamp); }

std::string Moment(Instant instant) { return fmt::format("({})", ToMicros(instant)); }

Status AppendResultRow(const SqliteStatement& statement, std::span<const std::size_t> columns,
                       Table& batch) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Status appended = statement.AppendTo(columns[i], batch.schema().columns[i], batch.column(i));
    if (!appended) return appended;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TableDao>> OpenSqliteStore(std::string_view path, StoreAccess access) {
  return SqliteTableDao::Open(path, access);
}

std::string FolderBesideSqliteStore(std::string_view path) {
  return std::string(path) + ".snapshots";
}

Result<std::unique_ptr<TableDao>> SqliteTableDao::Open(const std::filesystem::path& path,
                                                       StoreAccess access,
                                                       std::chrono::milliseconds busy_timeout) {
  Result<std::unique_ptr<SqliteConnection>> connection =
      SqliteConnection::Open(path, access, busy_timeout);
  if (!connection) return std::move(connection).error();
  return std::unique_ptr<TableDao>(new SqliteTableDao(*std::move(connection)));
}

SqliteTableDao::SqliteTableDao(std::unique_ptr<SqliteConnection> connection) noexcept
    : SqlTableDao({.place = "_rowid_",
                   .recorded = "_rowid_",
                   .quote = QuoteIdentifier,
                   .micros_of = MicrosOf,
                   .moment = Moment,
                   .now = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"}),
      connection_(std::move(connection)) {}

SqliteTableDao::~SqliteTableDao() = default;

Status SqliteTableDao::Begin() {
  // A writer takes its lock at once, so that a second writer hears of the first before any work.
  return connection_->Execute(connection_->access() == StoreAccess::kReadOnly ? "BEGIN"
                                                                              : "BEGIN IMMEDIATE");
}

Status SqliteTableDao::Commit() {
  Status finished = FinishWriter();
  if (connection_->access() == StoreAccess::kReadOnly) changed().Clear();
  if (finished) finished = LeaveMarks();
  return finished ? connection_->Execute("COMMIT") : finished;
}

void SqliteTableDao::Rollback() noexcept {
  writer_.reset();
  changed().Clear();
  // Some failures (a full disk) make SQLite roll back by itself. ROLLBACK itself cannot fail in a
  // way that leaves the transaction to be committed.
  if (connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
}

bool SqliteTableDao::in_transaction() const noexcept { return connection_->in_transaction(); }

Status SqliteTableDao::CheckDeclaration(const TableSpec& spec) const {
  Status good = CheckSpec(spec);
  if (good && spec.schema.Find("_rowid_")) {
    return BadSpec(spec.name, "no column can be called _rowid_, which is the order of ingestion");
  }
  return good;
}

Result<SqlTableDao::TextRows> SqliteTableDao::Ask(const std::string& sql,
                                                  std::span<const Parameter> parameters) {
  Result<SqliteStatement> statement = connection_->Prepare(sql);
  if (!statement) return statement.error();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    statement->Bind(i, parameters[i] ? Value(std::string_view(*parameters[i])) : Value());
  }
  TextRows rows;
  while (true) {
    const Result<bool> found = statement->Step();
    if (!found) return found.error();
    if (!*found) return rows;
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < statement->column_count(); ++i) {
      row.push_back(statement->IsNull(i) ? Parameter() : std::string(statement->Text(i)));
    }
  }
}

// Forkcast's own tables compare without regard to case.
std::string SqliteTableDao::KeyOf(std::string_view table) const { return std::string(table); }

Status SqliteTableDao::EnsureBookkeeping() {
  for (const std::string_view sql : kCreateBookkeeping) {
    Status created = connection_->Execute(sql);
    if (!created) return created;
  }
  for (const std::string_view column : kLaterFileColumns) {
    const std::string_view name = column.substr(0, column.find(' '));
    const Result<bool> has = HasColumn("forkcast_files", name);
    if (!has) return has.error();
    if (*has) continue;
    Status added = connection_->Execute(fmt::format("ALTER TABLE forkcast_files ADD {}", column));
    if (!added) return added;
  }
  return {};
}

Result<bool> SqliteTableDao::HasColumn(std::string_view table, std::string_view column) {
  Result<SqliteStatement> find =
      connection_->Prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2");
  if (!find) return find.error();
  find->Bind(0, table);
  find->Bind(1, column);
  return find->Step();
}

Result<bool> SqliteTableDao::Exists(std::string_view name) {
  Result<SqliteStatement> find =
      connection_->Prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE");
  if (!find) return find.error();
  find->Bind(0, name);
  return find->Step();
}

Status SqliteTableDao::CreateTable(const TableSpec& spec) {
  Status created = connection_->Execute(CreateTableSql(spec));
  if (created && !spec.key.empty()) created = CreateKeyIndex(*connection_, spec);
  return created;
}

Status SqliteTableDao::AddColumn(const TableSpec& spec, const ColumnSpec& column) {
  return connection_->Execute(
      fmt::format("ALTER TABLE {} ADD {}", QuoteIdentifier(spec.name), ColumnSql(column)));
}

Result<AppendCounts> SqliteTableDao::Append(const TableSpec& spec, const Table& batch,
                                            OnConflict on_conflict, std::size_t& failed_row) {
  AppendCounts counts;
  const Status done = Atomically([&]() -> Status {
    const Result<RowWriter*> writer = WriterOf(spec);
    if (!writer) return writer.error();
    Status appended = (*writer)->Append(batch, on_conflict, counts, failed_row);
    if (appended) changed().Note(spec.name, counts);
    return appended;
  });
  if (!done) return done.error();
  return counts;
}

Result<RowWriter*> SqliteTableDao::WriterOf(const TableSpec& spec) {
  if (writer_ && writer_->spec() == spec) return &*writer_;
  Status finished = FinishWriter();
  if (!finished) return std::move(finished).error();
  Result<RowWriter> made = RowWriter::Make(*connection_, spec);
  if (!made) return std::move(made).error();
  return &writer_.emplace(*std::move(made));
}

Status SqliteTableDao::FinishWriter() {
  Status finished = writer_ ? writer_->Finish() : Status();
  writer_.reset();
  return finished;
}

Result<std::string> SqliteTableDao::FileColumns() {
  // A store of an earlier release, opened to read, lacks what that release did not know.
  const Result<bool> has_rejected = HasColumn("forkcast_files", "rejected");
  if (!has_rejected) return has_rejected.error();
  const Result<bool> has_rows = HasColumn("forkcast_files", "first_row");
  if (!has_rows) return has_rows.error();
  return fmt::format("{}, {}", *has_rejected ? "rejected" : "0",
                     *has_rows ? "first_row, last_row" : "NULL, NULL");
}

Result<std::string> SqliteTableDao::StoreMark() {
  Result<SqliteStatement> version = connection_->Prepare("PRAGMA data_version");
  if (!version) return version.error();
  const Result<bool> found = version->Step();
  if (!found) return found.error();
  return std::to_string(version->Int64(0));
}

std::string SqliteTableDao::OrderOfValues(const Schema& /*schema*/) const { return "_rowid_"; }

Status SqliteTableDao::Read(const StoredRows& source, const Schema& schema,
                            const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                            const std::function<Status(const Table&)>& sink) {
  const auto* const table = std::get_if<TableSource>(&source);
  if (table == nullptr) {
    const std::string& sql = std::get<QuerySource>(source).sql;
    return ReadSql(sql, source, schema, forbidden, batch_rows, sink);
  }
  const Result<std::string> sql = SelectOf(*table, schema);
  if (!sql) return sql.error();
  return ReadSql(*sql, source, schema, forbidden, batch_rows, sink);
}

Status SqliteTableDao::ReadSql(const std::string& sql, const StoredRows& source,
                               const Schema& schema, const std::vector<ForbiddenColumn>& forbidden,
                               std::size_t batch_rows,
                               const std::function<Status(const Table&)>& sink) {
  Result<SqliteStatement> statement = connection_->PrepareQuery(sql, forbidden);
  if (!statement) return Explained(source, statement.error());
  const Result<std::vector<std::size_t>> columns = MatchColumns(ColumnNames(*statement), schema);
  if (!columns) return Explained(source, columns.error());
  Table batch(schema);
  std::size_t rows = 0;
  while (true) {
    const Result<bool> row = statement->Step();
    if (!row) return row.error();
    if (*row) {
      const Status appended = AppendResultRow(*statement, *columns, batch);
      if (!appended) return Explained(source, appended.error());
      ++rows;
    }
    if (rows == batch_rows || (!*row && rows > 0)) {
      Status taken = sink(batch);
      if (!taken) return taken;
      batch.Clear();
      rows = 0;
    }
    if (!*row) return {};
  }
}

}  // namespace forkcast::preprocessing
