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
constexpr std::array<std::string_view, 4> kCreateBookkeeping{
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
    "PRIMARY KEY (table_name, source)) STRICT"};
constexpr std::string_view kCreateMarks =
    "CREATE TABLE IF NOT EXISTS forkcast_marks ("
    "table_name TEXT NOT NULL COLLATE NOCASE, mark TEXT NOT NULL, last_row INTEGER NOT NULL, "
    "PRIMARY KEY (table_name, mark)) STRICT";

/// Columns that forkcast_files has besides those of its first release.
constexpr std::array<std::string_view, 3> kLaterFileColumns{
    "rejected INTEGER NOT NULL DEFAULT 0", "first_row INTEGER", "last_row INTEGER"};

/// CheckSpec(), and what this store has no room for.
Status CheckDeclaration(const TableSpec& spec) {
  Status good = CheckSpec(spec);
  if (good && spec.schema.Find("_rowid_")) {
    return BadSpec(spec.name, "no column can be called _rowid_, which is the order of ingestion");
  }
  return good;
}

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

/// The statement that gives the rows of a table in their order, or those that `where` says.
Result<std::string> SelectOf(const TableSource& source, const Schema& schema,
                             std::string_view where = "") {
  const Status good = CheckTableName(source.table);
  if (!good) return good.error();
  return fmt::format("SELECT {} FROM {}{} ORDER BY _rowid_", JoinNames(schema.columns),
                     QuoteIdentifier(source.table), where);
}

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
    : connection_(std::move(connection)) {}

SqliteTableDao::~SqliteTableDao() = default;

Status SqliteTableDao::Begin() {
  // A writer takes its lock at once, so that a second writer hears of the first before any work.
  return connection_->Execute(connection_->access() == StoreAccess::kReadOnly ? "BEGIN"
                                                                              : "BEGIN IMMEDIATE");
}

Status SqliteTableDao::Commit() {
  Status finished = FinishWriter();
  if (finished) finished = LeaveMarks();
  return finished ? connection_->Execute("COMMIT") : finished;
}

void SqliteTableDao::Rollback() noexcept {
  writer_.reset();
  changed_.Clear();
  // Some failures (a full disk) make SQLite roll back by itself. ROLLBACK itself cannot fail in a
  // way that leaves the transaction to be committed.
  if (connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
}

Status SqliteTableDao::Atomically(const std::function<Status()>& change) {
  if (connection_->in_transaction()) return change();
  Status done = Begin();
  if (!done) return done;
  done = change();
  if (done) done = Commit();
  if (!done) Rollback();
  return done;
}

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

Result<std::optional<std::string>> SqliteTableDao::KeptSpec(const std::string& table) {
  const Result<bool> kept = Exists("forkcast_tables");
  if (!kept) return kept.error();
  if (!*kept) return std::optional<std::string>();
  Result<SqliteStatement> find =
      connection_->Prepare("SELECT spec FROM forkcast_tables WHERE table_name = ?1");
  if (!find) return find.error();
  find->Bind(0, table);
  const Result<bool> found = find->Step();
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  return std::optional(std::string(find->Text(0)));
}

Result<bool> SqliteTableDao::IsForeign(const std::string& table) {
  const Result<bool> exists = Exists(table);
  if (!exists || !*exists) return exists;
  const Result<std::optional<std::string>> kept = KeptSpec(table);
  if (!kept) return kept.error();
  return !kept->has_value();
}

Result<std::optional<std::vector<std::size_t>>> SqliteTableDao::ColumnsToAdd(
    const TableSpec& spec) {
  const Result<bool> exists = Exists(spec.name);
  if (!exists) return exists.error();
  if (!*exists) return std::optional<std::vector<std::size_t>>();
  const Result<std::optional<std::string>> kept = KeptSpec(spec.name);
  if (!kept) return kept.error();
  if (!*kept) return NotOurs(spec);
  Result<std::vector<std::size_t>> columns = NewColumns(spec, **kept);
  if (!columns) return std::move(columns).error();
  return std::optional(*std::move(columns));
}

Status SqliteTableDao::KeepSpec(const TableSpec& spec) {
  const std::string text = SpecText(spec);
  Result<SqliteStatement> keep = connection_->Prepare(
      "INSERT OR REPLACE INTO forkcast_tables (table_name, spec) VALUES (?1, ?2)");
  if (!keep) return keep.error();
  keep->Bind(0, spec.name);
  keep->Bind(1, text);
  const Result<bool> done = keep->Step();
  return done ? Status() : done.error();
}

Status SqliteTableDao::AddColumns(const TableSpec& spec, const std::vector<std::size_t>& columns) {
  if (columns.empty()) return {};
  for (const std::size_t column : columns) {
    Status added =
        connection_->Execute(fmt::format("ALTER TABLE {} ADD {}", QuoteIdentifier(spec.name),
                                         ColumnSql(spec.schema.columns[column])));
    if (!added) return added;
  }
  return KeepSpec(spec);
}

Status SqliteTableDao::EnsureTable(const TableSpec& spec) {
  Status good = CheckDeclaration(spec);
  if (!good) return good;
  return Atomically([&]() -> Status {
    const Result<std::optional<std::vector<std::size_t>>> columns = ColumnsToAdd(spec);
    if (!columns) return columns.error();
    Status created = EnsureBookkeeping();
    if (!created) return created;
    changed_.Note(spec.name, RowChange::kNone);
    if (*columns) return AddColumns(spec, **columns);
    created = connection_->Execute(CreateTableSql(spec));
    if (created && !spec.key.empty()) created = CreateKeyIndex(*connection_, spec);
    return created ? KeepSpec(spec) : created;
  });
}

Result<AppendCounts> SqliteTableDao::Append(const TableSpec& spec, const Table& batch,
                                            OnConflict on_conflict, std::size_t& failed_row) {
  AppendCounts counts;
  const Status done = Atomically([&]() -> Status {
    const Result<RowWriter*> writer = WriterOf(spec);
    if (!writer) return writer.error();
    Status appended = (*writer)->Append(batch, on_conflict, counts, failed_row);
    if (appended) changed_.Note(spec.name, counts);
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

Result<std::optional<KnownFile>> SqliteTableDao::FindFile(std::string_view table,
                                                          std::string_view content_hash) {
  const Result<std::vector<RecordedFile>> found = FilesBy(table, "content_hash", content_hash);
  if (!found) return found.error();
  return found->empty() ? std::optional<KnownFile>() : std::optional(found->front().file);
}

Result<std::vector<RecordedFile>> SqliteTableDao::FilesNamed(std::string_view table,
                                                             std::string_view file_name) {
  return FilesBy(table, "file_name", file_name);
}

Result<std::vector<RecordedFile>> SqliteTableDao::FilesBy(std::string_view table,
                                                          std::string_view column,
                                                          std::string_view value) {
  std::vector<RecordedFile> files;
  const Result<bool> kept = Exists("forkcast_files");
  if (!kept) return kept.error();
  if (!*kept) return files;
  // A store of an earlier release, opened to read, lacks what that release did not know.
  const Result<bool> has_rejected = HasColumn("forkcast_files", "rejected");
  if (!has_rejected) return has_rejected.error();
  const Result<bool> has_rows = HasColumn("forkcast_files", "first_row");
  if (!has_rows) return has_rows.error();
  Result<SqliteStatement> find = connection_->Prepare(fmt::format(
      "SELECT content_hash, {}, {} FROM forkcast_files WHERE table_name = ?1 AND {} = "
      "?2 ORDER BY _rowid_",
      *has_rejected ? "rejected" : "0", *has_rows ? "first_row, last_row" : "NULL, NULL", column));
  if (!find) return find.error();
  find->Bind(0, table);
  find->Bind(1, value);
  while (true) {
    const Result<bool> found = find->Step();
    if (!found) return found.error();
    if (!*found) return files;
    RecordedFile file{.content_hash = std::string(find->Text(0)),
                      .file = {.rejected = static_cast<std::size_t>(find->Int64(1))}};
    if (!find->IsNull(2)) file.file.rows = {.first = find->Int64(2), .last = find->Int64(3)};
    files.push_back(std::move(file));
  }
}

Status SqliteTableDao::RecordFile(std::string_view table, std::string_view content_hash,
                                  std::string_view file_name, const KnownFile& file) {
  return Atomically([&]() -> Status {
    const Status kept = EnsureBookkeeping();
    if (!kept) return kept.error();
    Result<SqliteStatement> insert = connection_->Prepare(
        "INSERT INTO forkcast_files (table_name, content_hash, file_name, rejected, first_row, "
        "last_row) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET rejected = ?4, "
        "first_row = ?5, last_row = ?6");
    if (!insert) return insert.error();
    insert->Bind(0, table);
    insert->Bind(1, content_hash);
    insert->Bind(2, file_name);
    insert->Bind(3, static_cast<std::int64_t>(file.rejected));
    insert->Bind(4, file.rows ? Value(file.rows->first) : Value());
    insert->Bind(5, file.rows ? Value(file.rows->last) : Value());
    const Result<bool> done = insert->Step();
    return done ? Status() : done.error();
  });
}

Status SqliteTableDao::RemoveFile(std::string_view table, const RecordedFile& file) {
  return Atomically([&]() -> Status {
    Result<SqliteStatement> rows = connection_->Prepare(
        fmt::format("DELETE FROM {} WHERE _rowid_ BETWEEN ?1 AND ?2", QuoteIdentifier(table)));
    if (!rows) return rows.error();
    rows->Bind(0, file.file.rows->first);
    rows->Bind(1, file.file.rows->last);
    if (const Result<bool> done = rows->Step(); !done) return done.error();
    changed_.Note(std::string(table), RowChange::kOthersChanged);
    Result<SqliteStatement> record = connection_->Prepare(
        "DELETE FROM forkcast_files WHERE table_name = ?1 AND content_hash = ?2");
    if (!record) return record.error();
    record->Bind(0, table);
    record->Bind(1, std::string_view(file.content_hash));
    const Result<bool> done = record->Step();
    return done ? Status() : done.error();
  });
}

Result<std::int64_t> SqliteTableDao::LastRow(std::string_view table) {
  Result<SqliteStatement> find = connection_->Prepare(
      fmt::format("SELECT coalesce(max(_rowid_), 0) FROM {}", QuoteIdentifier(table)));
  if (!find) return find.error();
  const Result<bool> found = find->Step();
  if (!found) return found.error();
  return find->Int64(0);
}

Status SqliteTableDao::LeaveMarks() {
  Status left;
  if (connection_->access() == StoreAccess::kReadOnly) changed_.Clear();
  for (const auto& [table, change] : changed_.changes()) {
    if (left) left = LeaveMark(table, change);
  }
  changed_.Clear();
  return left;
}

Status SqliteTableDao::LeaveMark(const std::string& table, RowChange change) {
  if (change == RowChange::kNone) {
    const Result<std::optional<std::string>> kept = LastMark(table);
    if (!kept || *kept) return kept ? Status() : kept.error();
  }
  if (Status made = connection_->Execute(kCreateMarks); !made) return made;
  const Result<std::int64_t> last = LastRow(table);
  if (!last) return last.error();
  const std::size_t keeps = change == RowChange::kOthersChanged ? 0 : kKeptMarks - 1;
  Result<SqliteStatement> forget = connection_->Prepare(
      "DELETE FROM forkcast_marks WHERE table_name = ?1 AND _rowid_ NOT IN (SELECT _rowid_ FROM "
      "forkcast_marks WHERE table_name = ?1 ORDER BY _rowid_ DESC LIMIT ?2)");
  if (!forget) return forget.error();
  forget->Bind(0, std::string_view(table));
  forget->Bind(1, static_cast<std::int64_t>(keeps));
  if (const Result<bool> forgotten = forget->Step(); !forgotten) return forgotten.error();
  Result<SqliteStatement> insert = connection_->Prepare(
      "INSERT INTO forkcast_marks (table_name, mark, last_row) VALUES (?1, ?2, ?3)");
  if (!insert) return insert.error();
  const std::string mark = NewRowMark();
  insert->Bind(0, std::string_view(table));
  insert->Bind(1, std::string_view(mark));
  insert->Bind(2, *last);
  const Result<bool> inserted = insert->Step();
  return inserted ? Status() : inserted.error();
}

Result<std::optional<std::string>> SqliteTableDao::LastMark(std::string_view table) {
  const Result<bool> kept = Exists("forkcast_marks");
  if (!kept) return kept.error();
  if (!*kept) return std::optional<std::string>();
  Result<SqliteStatement> find = connection_->Prepare(
      "SELECT mark FROM forkcast_marks WHERE table_name = ?1 ORDER BY _rowid_ DESC LIMIT 1");
  if (!find) return find.error();
  find->Bind(0, table);
  const Result<bool> found = find->Step();
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  return std::optional(std::string(find->Text(0)));
}

Result<std::optional<RowCursor>> SqliteTableDao::CursorOf(const std::string& table) {
  const Result<std::optional<std::string>> mark = LastMark(table);
  if (!mark) return mark.error();
  if (!*mark) return std::optional<RowCursor>();
  const Result<std::int64_t> last = LastRow(table);
  if (!last) return last.error();
  return std::optional(RowCursor{.last_row = *last, .mark = **mark});
}

Result<bool> SqliteTableDao::IsUnchanged(const std::string& table, const RowCursor& cursor) {
  const Result<std::optional<std::string>> any = LastMark(table);
  if (!any) return any.error();
  if (!*any) return false;
  Result<SqliteStatement> find = connection_->Prepare(
      "SELECT 1 FROM forkcast_marks WHERE table_name = ?1 AND mark = ?2 AND last_row <= ?3");
  if (!find) return find.error();
  find->Bind(0, std::string_view(table));
  find->Bind(1, std::string_view(cursor.mark));
  find->Bind(2, cursor.last_row);
  const Result<bool> found = find->Step();
  if (!found || !*found) return found;
  const Result<std::int64_t> last = LastRow(table);
  if (!last) return last.error();
  return *last >= cursor.last_row;
}

Result<std::optional<std::string>> SqliteTableDao::ZoneOf(std::string_view table) {
  const Result<bool> kept = Exists("forkcast_zones");
  if (!kept) return kept.error();
  if (!*kept) return std::optional<std::string>();
  Result<SqliteStatement> find =
      connection_->Prepare("SELECT zone FROM forkcast_zones WHERE table_name = ?1");
  if (!find) return find.error();
  find->Bind(0, table);
  const Result<bool> found = find->Step();
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  return std::optional<std::string>(std::string(find->Text(0)));
}

Status SqliteTableDao::RecordZone(std::string_view table, std::string_view zone) {
  return Atomically([&]() -> Status {
    const Status kept = EnsureBookkeeping();
    if (!kept) return kept.error();
    Result<SqliteStatement> insert = connection_->Prepare(
        "INSERT OR REPLACE INTO forkcast_zones (table_name, zone) VALUES (?1, ?2)");
    if (!insert) return insert.error();
    insert->Bind(0, table);
    insert->Bind(1, zone);
    const Result<bool> done = insert->Step();
    return done ? Status() : done.error();
  });
}

Result<std::optional<std::string>> SqliteTableDao::BookmarkOf(std::string_view table,
                                                              std::string_view source) {
  const Result<bool> kept = Exists("forkcast_bookmarks");
  if (!kept) return kept.error();
  if (!*kept) return std::optional<std::string>();
  Result<SqliteStatement> find = connection_->Prepare(
      "SELECT position FROM forkcast_bookmarks WHERE table_name = ?1 AND source = ?2");
  if (!find) return find.error();
  find->Bind(0, table);
  find->Bind(1, source);
  const Result<bool> found = find->Step();
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  return std::optional(std::string(find->Text(0)));
}

Result<bool> SqliteTableDao::MoveBookmark(std::string_view table, std::string_view source,
                                          const std::optional<std::string>& expected,
                                          std::string_view position) {
  bool moved = false;
  const Status done = Atomically([&]() -> Status {
    Status kept = EnsureBookkeeping();
    if (!kept) return kept;
    Result<SqliteStatement> move = connection_->Prepare(
        expected ? "UPDATE forkcast_bookmarks SET position = ?3 WHERE table_name = ?1 AND "
                   "source = ?2 AND position = ?4"
                 : "INSERT INTO forkcast_bookmarks (table_name, source, position) VALUES "
                   "(?1, ?2, ?3) ON CONFLICT DO NOTHING");
    if (!move) return move.error();
    move->Bind(0, table);
    move->Bind(1, source);
    move->Bind(2, position);
    if (expected) move->Bind(3, std::string_view(*expected));
    const Result<bool> stepped = move->Step();
    if (!stepped) return stepped.error();
    moved = connection_->changes() == 1;
    return {};
  });
  if (!done) return done.error();
  return moved;
}

Result<std::string> SqliteTableDao::ChangeMark() {
  Result<SqliteStatement> version = connection_->Prepare("PRAGMA data_version");
  if (!version) return version.error();
  const Result<bool> found = version->Step();
  if (!found) return found.error();
  return std::to_string(version->Int64(0));
}

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

Status SqliteTableDao::ReadRows(const TableSource& source, const RowRange& rows,
                                const Schema& schema, const std::vector<ForbiddenColumn>& forbidden,
                                std::size_t batch_rows,
                                const std::function<Status(const Table&)>& sink) {
  const Result<std::string> sql = SelectOf(
      source, schema, fmt::format(" WHERE _rowid_ BETWEEN {} AND {}", rows.first, rows.last));
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
