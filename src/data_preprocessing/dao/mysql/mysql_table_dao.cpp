#include "data_preprocessing/dao/mysql/mysql_table_dao.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/mysql/bulk_insert.hpp"
#include "data_preprocessing/dao/mysql/mysql_connection.hpp"
#include "data_preprocessing/dao/mysql/mysql_query.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// The place of a row in the order of ingestion.
constexpr std::string_view kPlace = "forkcast_row";
constexpr std::size_t kMostNameCharacters = 64;
/// By which writers of a database exclude each other.
constexpr std::string_view kWritersLock = "concat('forkcast ', md5(database()))";
/// Character by character, blanks at the end, case and accents included.
constexpr std::string_view kCollation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

struct OwnTable {
  std::string_view name;
  std::string_view columns;
};

// FORMAT.md beside this file describes what is created here.
constexpr std::array<OwnTable, 5> kOwnTables{
    OwnTable{"forkcast_tables", "table_name VARCHAR(64) PRIMARY KEY, spec LONGTEXT NOT NULL"},
    OwnTable{"forkcast_files",
             "table_name VARCHAR(64), content_hash VARCHAR(64), file_name LONGTEXT NOT NULL, "
             "rejected BIGINT NOT NULL, first_row BIGINT, last_row BIGINT, "
             "recorded BIGINT NOT NULL AUTO_INCREMENT UNIQUE, "
             "PRIMARY KEY (table_name, content_hash)"},
    OwnTable{"forkcast_zones", "table_name VARCHAR(64) PRIMARY KEY, zone LONGTEXT NOT NULL"},
    OwnTable{"forkcast_bookmarks",
             "table_name VARCHAR(64), source VARCHAR(512), position LONGTEXT NOT NULL, "
             "PRIMARY KEY (table_name, source)"},
    OwnTable{"forkcast_marks",
             "table_name VARCHAR(64), mark VARCHAR(64), last_row BIGINT NOT NULL, "
             "recorded BIGINT NOT NULL AUTO_INCREMENT UNIQUE, PRIMARY KEY (table_name, mark)"}};

/// By which a table is known that Forkcast has made.
std::string CommentOf(std::string_view table) {
  return fmt::format("made by Forkcast as {}", table);
}

/// A text in single quotes.
std::string QuotedText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string MicrosOf(std::string_view timestamp) {
  return fmt::format("TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {})", timestamp);
}

std::string Moment(Instant instant) {
  std::string text = IsoTimestamp(instant);
  text.pop_back();  // the zone, which is that of the session
  return fmt::format("'{}'", text);
}

Status CheckName(const TableSpec& spec, const std::string& name) {
  // A byte 10xxxxxx goes on with the character before it.
  const auto characters = static_cast<std::size_t>(std::ranges::count_if(
      name, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  if (characters <= kMostNameCharacters) return {};
  return BadSpec(spec.name, fmt::format("MariaDB keeps {} characters of a name, \"{}\" has {}",
                                        kMostNameCharacters, name, characters));
}

/// `part` of each name in backticks, with `separator` between.
template <typename Part>
std::string Join(const std::vector<std::string>& names, std::string_view separator,
                 const Part& part) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += separator;
    joined += part(QuoteMysqlIdentifier(name));
  }
  return joined;
}

std::string Names(const std::vector<std::string>& names) {
  return Join(names, ", ", [](const std::string& name) { return name; });
}

std::vector<std::string> ColumnsOf(const Schema& schema) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : schema.columns) names.push_back(column.name);
  return names;
}

std::string ColumnSql(const TableSpec& spec, const ColumnSpec& column) {
  const std::string name = QuoteMysqlIdentifier(column.name);
  const std::string_view null = column.nullable ? "" : " NOT NULL";
  switch (column.type) {
    case ColumnType::kText:
      if (std::ranges::find(spec.key, column.name) == spec.key.end()) {
        return fmt::format("{} LONGTEXT {}{}", name, kCollation, null);
      }
      return fmt::format("{} VARCHAR({}) {}{}", name, MostKeyCharacters(spec), kCollation, null);
    case ColumnType::kDouble:
      return fmt::format("{} DOUBLE{}", name, null);
    case ColumnType::kInt64:
      return fmt::format("{} BIGINT{}", name, null);
    case ColumnType::kTimestamp:
      return fmt::format("{} DATETIME(6){}", name, null);
    case ColumnType::kBool:
      return fmt::format("{0} BOOLEAN{1} CHECK ({0} IN (0, 1))", name, null);
  }
  return {};
}

std::string ColumnsSql(const TableSpec& spec) {
  std::string sql;
  for (const ColumnSpec& column : spec.schema.columns) sql += ColumnSql(spec, column) + ", ";
  return fmt::format("{}{} BIGINT NOT NULL PRIMARY KEY", sql, kPlace);
}

std::string CreateTableSql(const TableSpec& spec) {
  const std::string key =
      spec.key.empty() ? "" : fmt::format(", UNIQUE forkcast_key ({})", Names(spec.key));
  return fmt::format("CREATE TABLE {} ({}{}) ENGINE = InnoDB ROW_FORMAT = DYNAMIC COMMENT = {}",
                     QuoteMysqlIdentifier(spec.name), ColumnsSql(spec), key,
                     QuotedText(CommentOf(spec.name)));
}

/// The statement that InsertRows() wants.
std::string InsertSql(std::string_view quoted_table, const Schema& schema) {
  std::string marks;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) marks += "?, ";
  return fmt::format("INSERT INTO {} ({}, {}) VALUES ({}?)", quoted_table, Names(ColumnsOf(schema)),
                     kPlace, marks);
}

/// The SQL of a table with key, beside which some rows of a batch stand in the temporary table
/// forkcast_batch, called b. Each of them finds its row by the key: of a table that has just been
/// filled, the server's statistics would have it read the whole.
class KeyedTable {
 public:
  explicit KeyedTable(const TableSpec& spec)
      : table_(QuoteMysqlIdentifier(spec.name)), columns_(ColumnsOf(spec.schema)), key_(spec.key) {}

  /// Place and first other column, by position, of each row that is stored otherwise.
  [[nodiscard]] std::string SelectOthers() const {
    std::string first_other = "CASE";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string name = QuoteMysqlIdentifier(columns_[i]);
      first_other += fmt::format(" WHEN NOT (t.{0} <=> b.{0}) THEN {1}", name, i);
    }
    return fmt::format(
        "SELECT b.{0}, {1} END FROM forkcast_batch b "
        "STRAIGHT_JOIN {2} t FORCE INDEX (forkcast_key) ON {3} WHERE {4} ORDER BY b.{0}",
        kPlace, first_other, table_, SameKey(), IsOther());
  }
  [[nodiscard]] std::string MostOfAKey() const {
    return fmt::format(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM forkcast_batch GROUP BY {}) AS counts",
        Names(key_));
  }
  /// Puts the batch's `round`-th row of each key in the stored one's place, where it is another.
  [[nodiscard]] std::string Replace(std::int64_t round) const {
    const std::string set =
        Join(columns_, ", ", [](const std::string& name) { return "t." + name + " = b." + name; });
    return fmt::format(
        "UPDATE (SELECT *, row_number() OVER (PARTITION BY {0} ORDER BY {1}) AS forkcast_round "
        "FROM forkcast_batch) b STRAIGHT_JOIN {2} t FORCE INDEX (forkcast_key) ON {3} "
        "SET {4}, t.{1} = b.{1} WHERE b.forkcast_round = {5} AND {6}",
        Names(key_), kPlace, table_, SameKey(), set, round, IsOther());
  }

 private:
  [[nodiscard]] std::string SameKey() const {
    return Join(key_, " AND ",
                [](const std::string& name) { return "t." + name + " = b." + name; });
  }
  [[nodiscard]] std::string IsOther() const {
    const std::string same = Join(
        columns_, " AND ", [](const std::string& name) { return "t." + name + " <=> b." + name; });
    return "NOT (" + same + ")";
  }

  std::string table_;
  std::vector<std::string> columns_;
  std::vector<std::string> key_;
};

}  // namespace

Result<std::unique_ptr<TableDao>> OpenMysqlStore(std::string_view place, StoreAccess access) {
  return MysqlTableDao::Open(place, access);
}

Result<std::unique_ptr<TableDao>> MysqlTableDao::Open(std::string_view place, StoreAccess access) {
  Result<MysqlUrl> url = ParseMysqlUrl(place);
  if (!url) return std::move(url).error();
  Result<std::unique_ptr<MysqlConnection>> connection = MysqlConnection::Open(*url, access);
  if (!connection) return std::move(connection).error();
  return std::unique_ptr<TableDao>(new MysqlTableDao(*std::move(url), *std::move(connection)));
}

MysqlTableDao::MysqlTableDao(MysqlUrl url, std::unique_ptr<MysqlConnection> connection)
    : SqlTableDao({.place = kPlace,
                   .recorded = "recorded",
                   .quote = QuoteMysqlIdentifier,
                   .micros_of = MicrosOf,
                   .moment = Moment,
                   .now = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', now(6))"}),
      url_(std::move(url)),
      connection_(std::move(connection)) {}

MysqlTableDao::~MysqlTableDao() {
  if (in_transaction_) Rollback();
}

Status MysqlTableDao::Begin() {
  const bool writes = connection_->access() != StoreAccess::kReadOnly;
  Status locked = writes ? connection_->Lock(kWritersLock) : Status();
  if (!locked) return locked;
  Status begun = connection_->Execute(
      writes ? "START TRANSACTION" : "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  in_transaction_ = begun.ok();
  is_spoilt_ = false;
  if (!begun) Rollback();
  return begun;
}

Status MysqlTableDao::Commit() {
  if (is_spoilt_) {
    Rollback();
    return connection_->ErrorOf("nothing was committed, since a statement before had failed");
  }
  if (Status left = LeaveMarks(); !left) {
    Rollback();
    return left;
  }
  // Where the answer is lost they may hold what was committed: from here on nobody drops them but
  // who finds that they are leftovers.
  created_.clear();
  Status done = connection_->Execute("COMMIT");
  if (!done) return done;
  in_transaction_ = false;
  if (connection_->access() == StoreAccess::kReadOnly) return {};
  return connection_->Unlock(kWritersLock);
}

void MysqlTableDao::Rollback() noexcept {
  // Where these fail the connection is lost, and transaction and lock with it. A table that cannot
  // be dropped now is a leftover, which the next writer drops.
  const Status undone = connection_->Execute("ROLLBACK");
  for (const std::string& table : created_) {
    if (!undone) break;
    static_cast<void>(
        ExecuteBeside(fmt::format("DROP TABLE IF EXISTS {}", QuoteMysqlIdentifier(table))));
  }
  created_.clear();
  changed().Clear();
  static_cast<void>(connection_->Execute("DO RELEASE_ALL_LOCKS()"));
  in_transaction_ = false;
}

Result<MysqlConnection*> MysqlTableDao::Beside() {
  if (beside_ == nullptr) {
    Result<std::unique_ptr<MysqlConnection>> opened =
        MysqlConnection::Open(url_, connection_->access());
    if (!opened) return std::move(opened).error();
    beside_ = *std::move(opened);
  }
  return beside_.get();
}

Status MysqlTableDao::ExecuteBeside(const std::string& sql) {
  const Result<MysqlConnection*> beside = Beside();
  return beside ? (*beside)->Execute(sql) : beside.error();
}

Status MysqlTableDao::CheckMayWrite() const {
  if (connection_->access() == StoreAccess::kReadOnly) {
    return connection_->ErrorOf("the store was opened for reading only");
  }
  // A deadlock undoes all that came before it, and MariaDB would go on without a transaction.
  if (in_transaction_ && is_spoilt_) {
    return connection_->ErrorOf("nothing more can be done, since a statement before had failed");
  }
  return {};
}

Status MysqlTableDao::CheckDeclaration(const TableSpec& spec) const {
  Status good = CheckSpec(spec);
  if (good) good = CheckName(spec, spec.name);
  for (const ColumnSpec& column : spec.schema.columns) {
    if (good) good = CheckName(spec, column.name);
    if (good && EqualsIgnoringCase(column.name, kPlace)) {
      good = BadSpec(spec.name, fmt::format("no column can be called {}, which is the order of "
                                            "ingestion",
                                            kPlace));
    }
  }
  return good;
}

Result<SqlTableDao::TextRows> MysqlTableDao::Ask(const std::string& sql,
                                                 std::span<const Parameter> parameters) {
  Result<TextRows> rows = connection_->Ask(sql, parameters);
  if (!rows) is_spoilt_ = true;
  return rows;
}

std::string MysqlTableDao::KeyOf(std::string_view table) const {
  return connection_->tells_case() ? std::string(table) : Folded(table);
}

Result<bool> MysqlTableDao::Exists(std::string_view name) {
  const Result<TextRows> found = connection_->Ask(
      "SELECT table_comment FROM information_schema.tables WHERE table_schema = database() AND "
      "table_name = ?",
      std::array<Parameter, 1>{KeyOf(name)});
  if (!found) return found.error();
  if (found->empty()) return false;
  const Result<bool> is_leftover = IsLeftover(name, found->front().front().value_or(""));
  if (!is_leftover) return is_leftover.error();
  return !*is_leftover;
}

Result<bool> MysqlTableDao::IsLeftover(std::string_view table, std::string_view comment) {
  if (comment != CommentOf(table)) return false;
  const Result<bool> kept = Exists("forkcast_tables");
  if (!kept) return kept;
  if (*kept) {
    const Result<TextRows> recorded =
        connection_->Ask("SELECT 1 FROM forkcast_tables WHERE table_name = ?",
                         std::array<Parameter, 1>{KeyOf(table)});
    if (!recorded) return recorded.error();
    if (!recorded->empty()) return false;
  }
  // Beside, since what a transaction has looked at cannot be dropped before its end.
  const Result<MysqlConnection*> beside = Beside();
  if (!beside) return beside.error();
  const Result<TextRows> rows =
      (*beside)->Ask(fmt::format("SELECT 1 FROM {} LIMIT 1", QuoteMysqlIdentifier(table)));
  if (!rows) return rows.error();
  return rows->empty();
}

Result<bool> MysqlTableDao::HasColumn(std::string_view table, std::string_view column) {
  const Result<TextRows> found = connection_->Ask(
      "SELECT 1 FROM information_schema.columns WHERE table_schema = database() AND "
      "table_name = ? AND column_name = ?",
      std::array<Parameter, 2>{KeyOf(table), std::string(column)});
  if (!found) return found.error();
  return !found->empty();
}

Status MysqlTableDao::EnsureBookkeeping() {
  for (const OwnTable& own : kOwnTables) {
    const Result<bool> exists = Exists(own.name);
    if (!exists) return exists.error();
    if (*exists) continue;
    Status created =
        ExecuteBeside(fmt::format("CREATE TABLE IF NOT EXISTS {} ({}) ENGINE = InnoDB {}", own.name,
                                  own.columns, kCollation));
    if (!created) return created;
  }
  return {};
}

Status MysqlTableDao::CreateTable(const TableSpec& spec) {
  // Nobody else writes now: what Exists() has passed over is a dead writer's.
  const Result<TextRows> leftover = connection_->Ask(
      "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND "
      "table_name = ? AND table_comment = ?",
      std::array<Parameter, 2>{KeyOf(spec.name), CommentOf(spec.name)});
  if (!leftover) return leftover.error();
  if (!leftover->empty()) {
    Status dropped = ExecuteBeside(fmt::format("DROP TABLE {}", QuoteMysqlIdentifier(spec.name)));
    if (!dropped) return dropped;
  }
  Status created = ExecuteBeside(CreateTableSql(spec));
  if (created) created_.push_back(spec.name);
  return created;
}

Status MysqlTableDao::AddColumn(const TableSpec& spec, const ColumnSpec& column) {
  const std::string table = QuoteMysqlIdentifier(spec.name);
  const std::string name = QuoteMysqlIdentifier(column.name);
  // A column that is there is a dead writer's, and holds nothing.
  Status done = ExecuteBeside(fmt::format("ALTER TABLE {} DROP COLUMN IF EXISTS {}", table, name));
  if (!done) return done;
  return ExecuteBeside(fmt::format("ALTER TABLE {} ADD COLUMN {}", table, ColumnSql(spec, column)));
}

Result<AppendCounts> MysqlTableDao::Append(const TableSpec& spec, const Table& batch,
                                           OnConflict on_conflict, std::size_t& failed_row) {
  AppendCounts counts;
  const Status done = Atomically([&]() -> Status {
    Status appended = CheckBatch(*connection_, spec, batch, failed_row);
    if (appended) appended = AppendRows(spec, batch, on_conflict, counts, failed_row);
    // Some rows of a batch may be there, and others not.
    if (!appended && appended.error().code != ErrorCode::kConflict) is_spoilt_ = true;
    if (appended) changed().Note(spec.name, counts);
    return appended;
  });
  if (!done) return done.error();
  return counts;
}

Status MysqlTableDao::AppendRows(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                                 AppendCounts& counts, std::size_t& failed_row) {
  const Result<std::int64_t> last = LastRow(spec.name);
  if (!last) return last.error();
  std::vector<std::size_t> rows(batch.row_count());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::string insert = InsertSql(QuoteMysqlIdentifier(spec.name), batch.schema());
  // Of rows whose key is there, nothing comes of this.
  if (!spec.key.empty()) insert += fmt::format(" ON DUPLICATE KEY UPDATE {0} = {0}", kPlace);
  Status inserted = InsertRows(*connection_, insert, batch, rows, *last + 1);
  if (!inserted) return inserted;
  counts.added = rows.size();
  if (spec.key.empty()) return {};
  return MeetStored(spec, batch, on_conflict, *last + 1, counts, failed_row);
}

Status MysqlTableDao::MeetStored(const TableSpec& spec, const Table& batch, OnConflict on_conflict,
                                 std::int64_t first, AppendCounts& counts,
                                 std::size_t& failed_row) {
  const Result<TextRows> inserted =
      connection_->Ask(fmt::format("SELECT {0} FROM {1} WHERE {0} >= {2} ORDER BY {0}", kPlace,
                                   QuoteMysqlIdentifier(spec.name), first));
  if (!inserted) return inserted.error();
  std::vector<std::size_t> rest;
  std::size_t next = 0;
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    const bool is_in = next < inserted->size() && NumberOf((*inserted)[next].front()) ==
                                                      first + static_cast<std::int64_t>(row);
    if (is_in) {
      ++next;
    } else {
      rest.push_back(row);
    }
  }
  counts.added = inserted->size();
  counts.identical = rest.size();
  if (rest.empty()) return {};

  Status done = connection_->Execute("DROP TEMPORARY TABLE IF EXISTS forkcast_batch");
  if (done) {
    done = connection_->Execute(fmt::format(
        "CREATE TEMPORARY TABLE forkcast_batch ({}) ENGINE = InnoDB", ColumnsSql(spec)));
  }
  if (done) {
    done =
        InsertRows(*connection_, InsertSql("forkcast_batch", batch.schema()), batch, rest, first);
  }
  if (!done) return done;
  if (on_conflict == OnConflict::kReplace) return Replace(spec, counts);
  return FindOthers(spec, on_conflict, first, counts, failed_row);
}

Status MysqlTableDao::Replace(const TableSpec& spec, AppendCounts& counts) {
  const KeyedTable table(spec);
  const Result<TextRows> rounds = connection_->Ask(table.MostOfAKey());
  if (!rounds) return rounds.error();
  for (std::int64_t round = 1; round <= NumberOf(rounds->front().front()); ++round) {
    Status replaced = connection_->Execute(table.Replace(round));
    if (!replaced) return replaced;
    counts.replaced += connection_->changes();
  }
  counts.identical -= counts.replaced;
  return {};
}

Status MysqlTableDao::FindOthers(const TableSpec& spec, OnConflict on_conflict, std::int64_t first,
                                 AppendCounts& counts, std::size_t& failed_row) {
  const Result<TextRows> others = connection_->Ask(KeyedTable(spec).SelectOthers());
  if (!others) return others.error();
  for (const auto& one : *others) {
    const auto row = static_cast<std::size_t>(NumberOf(one[0]) - first);
    Error other = OtherRowOfKey(spec, static_cast<std::size_t>(NumberOf(one[1])));
    if (on_conflict == OnConflict::kRefuse) {
      failed_row = row;
      return other;
    }
    counts.refused.push_back({.row = row, .reason = std::move(other.message)});
  }
  counts.identical -= counts.refused.size();
  return {};
}

Result<std::string> MysqlTableDao::SelectOf(const StoredRows& source, const Schema& schema) {
  const auto* const table = std::get_if<TableSource>(&source);
  if (table == nullptr) return std::get<QuerySource>(source).sql;
  const Status good = CheckTableName(table->table);
  if (!good) return good.error();
  const Result<bool> is_ours = HasColumn(table->table, kPlace);
  if (!is_ours) return is_ours.error();
  // A table of somebody else's knows no order of ingestion; that of its values is always the same.
  return fmt::format("SELECT {} FROM {} ORDER BY {}", Names(ColumnsOf(schema)),
                     QuoteMysqlIdentifier(table->table),
                     *is_ours ? std::string(kPlace) : OrderOfValues(schema));
}

std::string MysqlTableDao::OrderOfValues(const Schema& schema) const {
  std::string order;
  for (const ColumnSpec& column : schema.columns) {
    // Whatever their collations.
    order += fmt::format("{}{}{}", order.empty() ? "" : ", ",
                         column.type == ColumnType::kText ? "BINARY " : "",
                         QuoteMysqlIdentifier(column.name));
  }
  return order;
}

Status MysqlTableDao::CheckSource(const StoredRows& source, const std::string& sql,
                                  const Schema& schema,
                                  const std::vector<ForbiddenColumn>& forbidden) {
  Status checked = CheckIsSelect(*connection_, sql);
  if (!checked || forbidden.empty()) return checked;
  const Result<MysqlConnection*> beside = Beside();
  if (!beside) return beside.error();
  if (const auto* const table = std::get_if<TableSource>(&source)) {
    return CheckForbidden(**beside, KeyOf(table->table), schema, forbidden);
  }
  return CheckForbidden(**beside, sql, forbidden);
}

Result<std::string> MysqlTableDao::StoreMark() {
  // What the server has written to any table, since a query may read any of them.
  const Result<TextRows> written = connection_->Ask(
      "SELECT CAST(sum(variable_value) AS CHAR) FROM information_schema.global_status WHERE "
      "variable_name IN ('HANDLER_WRITE', 'HANDLER_UPDATE', 'HANDLER_DELETE')");
  if (!written) return written.error();
  return written->front().front().value_or("");
}

Status MysqlTableDao::Read(const StoredRows& source, const Schema& schema,
                           const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                           const std::function<Status(const Table&)>& sink) {
  const Result<std::string> sql = SelectOf(source, schema);
  if (!sql) return sql.error();
  return ReadSql(*sql, source, schema, forbidden, batch_rows, sink);
}

Status MysqlTableDao::ReadSql(const std::string& sql, const StoredRows& source,
                              const Schema& schema, const std::vector<ForbiddenColumn>& forbidden,
                              std::size_t batch_rows,
                              const std::function<Status(const Table&)>& sink) {
  Status checked = CheckSource(source, sql, schema, forbidden);
  if (!checked) return Explained(source, std::move(checked).error());
  // A query changes nothing, not even by a function that it calls: in a transaction that writes,
  // what it does is undone.
  Status begun = connection_->Execute(in_transaction_ ? "SAVEPOINT forkcast_scope"
                                                      : "START TRANSACTION READ ONLY");
  if (!begun) return begun;
  std::optional<Error> stopped;  // the sink's, which is not about the declaration
  Status read =
      preprocessing::ReadRows(*connection_, sql, schema, batch_rows, [&](const Table& batch) {
        Status taken = sink(batch);
        if (!taken) stopped = taken.error();
        return taken;
      });
  const Status ended =
      connection_->Execute(in_transaction_ ? "ROLLBACK TO SAVEPOINT forkcast_scope" : "ROLLBACK");
  if (read) return ended;
  if (stopped) return read;
  return Explained(source, std::move(read).error());
}

}  // namespace forkcast::preprocessing
