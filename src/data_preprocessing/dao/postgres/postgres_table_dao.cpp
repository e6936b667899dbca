#include "data_preprocessing/dao/postgres/postgres_table_dao.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/postgres/binary_values.hpp"
#include "data_preprocessing/dao/postgres/postgres_connection.hpp"
#include "data_preprocessing/dao/postgres/postgres_query.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using Parameter = PostgresConnection::Parameter;

/// The place of a row in the order of ingestion.
constexpr std::string_view kPlace = "forkcast_row";
constexpr std::size_t kMostNameBytes = 63;
/// By which writers exclude each other: "forkcast" in ASCII.
constexpr std::string_view kWritersLock = "7381228990022644596";
/// So long others are waited for, who may write for hours.
constexpr int kMostWaits = 50;
constexpr std::chrono::milliseconds kWait{2};

// FORMAT.md beside this file describes what is created here.
constexpr std::array<std::string_view, 5> kCreateBookkeeping{
    "CREATE TABLE IF NOT EXISTS forkcast_tables (table_name text PRIMARY KEY, spec text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS forkcast_files (table_name text, content_hash text, "
    "file_name text NOT NULL, rejected bigint NOT NULL, first_row bigint, last_row bigint, "
    "recorded bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (table_name, content_hash))",
    "CREATE TABLE IF NOT EXISTS forkcast_zones (table_name text PRIMARY KEY, zone text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS forkcast_bookmarks (table_name text, source text, "
    "position text NOT NULL, PRIMARY KEY (table_name, source))",
    "CREATE TABLE IF NOT EXISTS forkcast_marks (table_name text, mark text, last_row bigint NOT "
    "NULL, recorded bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (table_name, mark))"};

Parameter Given(std::string_view text) { return std::string(text); }

std::string MicrosOf(std::string_view timestamp) {
  return fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", timestamp);
}

/// Of a column with a zone and of one without, which is taken as UTC.
std::string Moment(Instant instant) { return fmt::format("'{}'", IsoTimestamp(instant)); }

Status CheckName(const TableSpec& spec, const std::string& name) {
  if (name.size() <= kMostNameBytes) return {};
  return BadSpec(spec.name, fmt::format("PostgreSQL keeps {} bytes of a name, \"{}\" has {}",
                                        kMostNameBytes, name, name.size()));
}

/// A statement of ours with `?` as PostgreSQL numbers them: $1, $2 ...
std::string WithNumbers(const std::string& sql) {
  std::string numbered;
  int number = 0;
  for (const char c : sql) {
    if (c == '?') {
      numbered += fmt::format("${}", ++number);
    } else {
      numbered += c;
    }
  }
  return numbered;
}

std::string_view SqlType(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return "text";
    case ColumnType::kDouble:
      return "double precision";
    case ColumnType::kInt64:
      return "bigint";
    case ColumnType::kTimestamp:
      return "timestamp with time zone";
    case ColumnType::kBool:
      return "boolean";
  }
  return {};
}

/// Columns by their names, with `part` of each name and `separator` between.
template <typename Part>
std::string Join(const std::vector<std::string>& names, std::string_view separator,
                 const Part& part) {
  std::string joined;
  for (const std::string& name : names) {
    if (!joined.empty()) joined += separator;
    joined += part(QuotePgIdentifier(name));
  }
  return joined;
}

std::string Names(const std::vector<std::string>& names) {
  return Join(names, ", ", [](const std::string& name) { return name; });
}

std::string Names(const Schema& schema) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : schema.columns) names.push_back(column.name);
  return Names(names);
}

std::string ColumnSql(const ColumnSpec& column) {
  return fmt::format("{} {}{}", QuotePgIdentifier(column.name), SqlType(column.type),
                     column.nullable ? "" : " NOT NULL");
}

std::string CreateTableSql(const TableSpec& spec) {
  std::string sql = fmt::format("CREATE TABLE {} (", QuotePgIdentifier(spec.name));
  for (const ColumnSpec& column : spec.schema.columns) sql += ColumnSql(column) + ", ";
  sql += fmt::format("{} bigint NOT NULL UNIQUE", kPlace);
  if (!spec.key.empty()) {
    sql += fmt::format(", PRIMARY KEY ({})", Names(spec.key));
  }
  return sql + ")";
}

/// The SQL of a table with key, beside which the rows of a batch stand in the temporary table
/// forkcast_batch, called b.
class KeyedTable {
 public:
  explicit KeyedTable(const TableSpec& spec)
      : table_(QuotePgIdentifier(spec.name)), key_(spec.key) {
    for (const ColumnSpec& column : spec.schema.columns) columns_.push_back(column.name);
  }

  [[nodiscard]] std::string CreateBatch() const {
    return fmt::format(
        "CREATE TEMPORARY TABLE forkcast_batch ON COMMIT DROP AS "
        "SELECT {}, {} FROM {} WITH NO DATA",
        Names(columns_), kPlace, table_);
  }
  [[nodiscard]] std::string CopyBatch() const {
    return fmt::format("COPY forkcast_batch ({}, {}) FROM STDIN BINARY", Names(columns_), kPlace);
  }
  [[nodiscard]] std::string InsertNew() const {
    return fmt::format(
        "INSERT INTO {0} ({1}, {2}) SELECT {1}, {2} FROM forkcast_batch ORDER BY {2} "
        "ON CONFLICT ({3}) DO NOTHING",
        table_, Names(columns_), kPlace, Names(key_));
  }
  [[nodiscard]] std::string ForgetInserted() const {
    return fmt::format("DELETE FROM forkcast_batch b USING {0} t WHERE b.{1} = t.{1}", table_,
                       kPlace);
  }
  /// Place and first other column, by position, of each row that is stored otherwise.
  [[nodiscard]] std::string SelectOthers() const {
    std::string first_other = "CASE";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string name = QuotePgIdentifier(columns_[i]);
      first_other += fmt::format(" WHEN t.{0} IS DISTINCT FROM b.{0} THEN {1}", name, i);
    }
    return fmt::format(
        "SELECT b.{0}, {1} END FROM forkcast_batch b JOIN {2} t ON {3} WHERE {4} "
        "ORDER BY b.{0}",
        kPlace, first_other, table_, SameKey(), IsOther());
  }
  [[nodiscard]] std::string MostOfAKey() const {
    return fmt::format(
        "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM forkcast_batch "
        "GROUP BY {}) AS counts",
        Names(key_));
  }
  /// Puts the batch's `round`-th row of each key in the stored one's place, where it is another.
  [[nodiscard]] std::string Replace(std::int64_t round) const {
    const std::string set =
        Join(columns_, ", ", [](const std::string& name) { return name + " = b." + name; });
    return fmt::format(
        "UPDATE {0} t SET {1}, {2} = b.{2} FROM (SELECT *, row_number() OVER (PARTITION BY {3} "
        "ORDER BY {2}) AS forkcast_round FROM forkcast_batch) b WHERE b.forkcast_round = {4} AND "
        "{5} AND {6}",
        table_, set, kPlace, Names(key_), round, SameKey(), IsOther());
  }

 private:
  [[nodiscard]] std::string SameKey() const {
    return Join(key_, " AND ",
                [](const std::string& name) { return "t." + name + " = b." + name; });
  }
  [[nodiscard]] std::string IsOther() const {
    const auto of = [this](const std::string& alias) {
      return Join(columns_, ", ", [&alias](const std::string& name) { return alias + name; });
    };
    return fmt::format("ROW({}) IS DISTINCT FROM ROW({})", of("t."), of("b."));
  }

  std::string table_;
  std::vector<std::string> columns_;
  std::vector<std::string> key_;
};

}  // namespace

Result<std::unique_ptr<TableDao>> OpenPostgresStore(std::string_view place, StoreAccess access) {
  return PostgresTableDao::Open(fmt::format("postgresql:{}", place), access);
}

Result<std::unique_ptr<TableDao>> PostgresTableDao::Open(const std::string& url,
                                                         StoreAccess access) {
  Result<std::unique_ptr<PostgresConnection>> connection = PostgresConnection::Open(url, access);
  if (!connection) return std::move(connection).error();
  return std::unique_ptr<TableDao>(new PostgresTableDao(*std::move(connection)));
}

PostgresTableDao::PostgresTableDao(std::unique_ptr<PostgresConnection> connection) noexcept
    : SqlTableDao({.place = kPlace,
                   .recorded = "recorded",
                   .quote = QuotePgIdentifier,
                   .micros_of = MicrosOf,
                   .moment = Moment,
                   .now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"}),
      connection_(std::move(connection)) {}

PostgresTableDao::~PostgresTableDao() = default;

Status PostgresTableDao::Begin() {
  if (connection_->access() != StoreAccess::kReadOnly) {
    // Before the transaction, which would else not see what the writer before it has committed.
    Status locked = connection_->Execute(fmt::format("SELECT pg_advisory_lock({})", kWritersLock));
    if (!locked) return locked;
  }
  return connection_->Execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
}

Status PostgresTableDao::Commit() {
  // What fails there has failed the transaction, which is what COMMIT then says.
  static_cast<void>(LeaveMarks());
  const Result<PgResult> ended = connection_->Run("COMMIT");
  if (!ended) return ended.error();
  if (ended->tag() != "COMMIT") {
    Rollback();
    return connection_->ErrorOf("nothing was committed, since a statement before had failed");
  }
  if (connection_->access() == StoreAccess::kReadOnly) return {};
  return connection_->Execute(fmt::format("SELECT pg_advisory_unlock({})", kWritersLock));
}

void PostgresTableDao::Rollback() noexcept {
  // Where these fail the connection is lost, and transaction and lock with it.
  if (connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
  changed().Clear();
  static_cast<void>(connection_->Execute("SELECT pg_advisory_unlock_all()"));
}

Status PostgresTableDao::CheckMayWrite() const {
  if (connection_->access() != StoreAccess::kReadOnly) return {};
  return connection_->ErrorOf("the store was opened for reading only");
}

bool PostgresTableDao::in_transaction() const noexcept { return connection_->in_transaction(); }

Status PostgresTableDao::CheckDeclaration(const TableSpec& spec) const {
  Status good = CheckSpec(spec);
  if (good) good = CheckName(spec, spec.name);
  for (const ColumnSpec& column : spec.schema.columns) {
    if (good) good = CheckName(spec, column.name);
    if (good && column.name == kPlace) {
      good = BadSpec(spec.name, fmt::format("no column can be called {}, which is the order of "
                                            "ingestion",
                                            kPlace));
    }
  }
  return good;
}

Result<SqlTableDao::TextRows> PostgresTableDao::Ask(const std::string& sql,
                                                    std::span<const Parameter> parameters) {
  // A statement without them may have a `?` in a name.
  const Result<PgResult> found =
      connection_->Run(parameters.empty() ? sql : WithNumbers(sql), parameters);
  if (!found) return found.error();
  TextRows rows(found->row_count());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < found->column_count(); ++i) {
      rows[row].push_back(found->IsNull(row, i) ? Parameter() : Given(found->Bytes(row, i)));
    }
  }
  return rows;
}

std::string PostgresTableDao::KeyOf(std::string_view table) const { return Folded(table); }

Status PostgresTableDao::EnsureBookkeeping() {
  for (const std::string_view sql : kCreateBookkeeping) {
    Status created = connection_->Execute(std::string(sql));
    if (!created) return created;
  }
  return {};
}

Result<bool> PostgresTableDao::Exists(std::string_view table) {
  const Result<PgResult> found = connection_->Run("SELECT to_regclass($1) IS NOT NULL",
                                                  std::array{Given(QuotePgIdentifier(table))});
  if (!found) return found.error();
  return found->Bytes(0, 0) == "t";
}

Result<bool> PostgresTableDao::HasColumn(std::string_view table, std::string_view column) {
  const Result<PgResult> found = connection_->Run(
      "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND "
      "NOT attisdropped",
      std::array{Given(QuotePgIdentifier(table)), Given(column)});
  if (!found) return found.error();
  return found->row_count() == 1;
}

Status PostgresTableDao::CreateTable(const TableSpec& spec) {
  return connection_->Execute(CreateTableSql(spec));
}

Status PostgresTableDao::AddColumn(const TableSpec& spec, const ColumnSpec& column) {
  return connection_->Execute(
      fmt::format("ALTER TABLE {} ADD {}", QuotePgIdentifier(spec.name), ColumnSql(column)));
}

Result<AppendCounts> PostgresTableDao::Append(const TableSpec& spec, const Table& batch,
                                              OnConflict on_conflict, std::size_t& failed_row) {
  AppendCounts counts;
  const Status done = Atomically([&]() -> Status {
    if (!spec.key.empty()) {
      Status appended = AppendKeyed(spec, batch, on_conflict, counts, failed_row);
      if (appended) changed().Note(spec.name, counts);
      return appended;
    }
    const Result<std::int64_t> last = LastRow(spec.name);
    if (!last) return last.error();
    const Result<std::string> rows = EncodeCopy(batch, *last + 1, failed_row);
    if (!rows) return rows.error();
    counts.added = batch.row_count();
    changed().Note(spec.name, counts);
    return connection_->CopyIn(
        fmt::format("COPY {} ({}, {}) FROM STDIN BINARY", QuotePgIdentifier(spec.name),
                    Names(spec.schema), kPlace),
        *rows);
  });
  if (!done) return done.error();
  return counts;
}

Status PostgresTableDao::AppendKeyed(const TableSpec& spec, const Table& batch,
                                     OnConflict on_conflict, AppendCounts& counts,
                                     std::size_t& failed_row) {
  const Result<std::int64_t> last = LastRow(spec.name);
  if (!last) return last.error();
  const Result<std::string> rows = EncodeCopy(batch, *last + 1, failed_row);
  if (!rows) return rows.error();
  const KeyedTable table(spec);
  Status done = connection_->Execute("DROP TABLE IF EXISTS pg_temp.forkcast_batch");
  if (done) done = connection_->Execute(table.CreateBatch());
  if (done) done = connection_->CopyIn(table.CopyBatch(), *rows);
  if (!done) return done;
  const Result<PgResult> inserted = connection_->Run(table.InsertNew());
  if (!inserted) return inserted.error();
  counts.added = inserted->changes();
  counts.identical = batch.row_count() - counts.added;
  if (counts.identical == 0) return {};

  done = connection_->Execute(table.ForgetInserted());
  if (!done) return done;
  if (on_conflict == OnConflict::kReplace) {
    const Result<PgResult> rounds = connection_->Run(table.MostOfAKey());
    if (!rounds) return rounds.error();
    for (std::int64_t round = 1; round <= rounds->Int64(0, 0); ++round) {
      const Result<PgResult> replaced = connection_->Run(table.Replace(round));
      if (!replaced) return replaced.error();
      counts.replaced += replaced->changes();
    }
    counts.identical -= counts.replaced;
    return {};
  }
  const Result<PgResult> others = connection_->Run(table.SelectOthers());
  if (!others) return others.error();
  for (std::size_t i = 0; i < others->row_count(); ++i) {
    const auto row = static_cast<std::size_t>(others->Int64(i, 0) - *last - 1);
    Error other = OtherRowOfKey(spec, static_cast<std::size_t>(others->Int64(i, 1)));
    if (on_conflict == OnConflict::kRefuse) {
      failed_row = row;
      return other;
    }
    counts.refused.push_back({.row = row, .reason = std::move(other.message)});
  }
  counts.identical -= counts.refused.size();
  return {};
}

Result<std::string> PostgresTableDao::StoreMark() {
  if (!listens_) {
    Status listening = connection_->Execute("LISTEN forkcast");
    if (!listening) return listening.error();
    listens_ = true;
  }
  // What the server counts of every table, since a query may read any of them. It is late, by up to
  // 10 s behind the last of several transactions; a NOTIFY is not.
  const Result<PgResult> changes = connection_->Run(
      "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM "
      "pg_stat_user_tables WHERE schemaname !~ '^pg_temp'");
  if (!changes) return changes.error();
  notifications_ += connection_->TakeNotifications();
  return fmt::format("{} {}", changes->Int64(0, 0), notifications_);
}

Status PostgresTableDao::WaitForWriters() {
  const Result<PgResult> next =
      connection_->Run("SELECT txid_snapshot_xmax(txid_current_snapshot())");
  if (!next) return next.error();
  for (int i = 0; i < kMostWaits; ++i) {
    const Result<PgResult> oldest =
        connection_->Run("SELECT txid_snapshot_xmin(txid_current_snapshot())");
    if (!oldest) return oldest.error();
    if (oldest->Int64(0, 0) >= next->Int64(0, 0)) break;
    std::this_thread::sleep_for(kWait);
  }
  return {};
}

Result<std::string> PostgresTableDao::OtherChanges(const std::string& table) {
  const Result<PgResult> changes = connection_->Run(
      "SELECT relid::bigint, n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relid = "
      "to_regclass($1)",
      std::array{Given(QuotePgIdentifier(table))});
  if (!changes) return changes.error();
  if (changes->row_count() == 0) return std::string();  // a view
  return fmt::format("{} {}", changes->Int64(0, 0), changes->Int64(0, 1));
}

Result<std::string> PostgresTableDao::SelectOf(const StoredRows& source, const Schema& schema) {
  const auto* const table = std::get_if<TableSource>(&source);
  if (table == nullptr) return std::get<QuerySource>(source).sql;
  const Status good = CheckTableName(table->table);
  if (!good) return good.error();
  const Result<bool> is_ours = HasColumn(table->table, kPlace);
  if (!is_ours) return is_ours.error();
  // A table of somebody else's knows no order of ingestion; that of its values is always the same.
  return fmt::format("SELECT {} FROM {} ORDER BY {}", Names(schema),
                     QuotePgIdentifier(table->table),
                     *is_ours ? std::string(kPlace) : OrderOfValues(schema));
}

std::string PostgresTableDao::OrderOfValues(const Schema& schema) const { return Names(schema); }

Status PostgresTableDao::Read(const StoredRows& source, const Schema& schema,
                              const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                              const std::function<Status(const Table&)>& sink) {
  const Result<std::string> sql = SelectOf(source, schema);
  if (!sql) return sql.error();
  return ReadSql(*sql, source, schema, forbidden, batch_rows, sink);
}

Status PostgresTableDao::ReadSql(const std::string& sql, const StoredRows& source,
                                 const Schema& schema,
                                 const std::vector<ForbiddenColumn>& forbidden,
                                 std::size_t batch_rows,
                                 const std::function<Status(const Table&)>& sink) {
  Status checked = CheckIsSelect(*connection_, sql);
  if (checked) checked = CheckForbidden(*connection_, sql, forbidden);
  if (!checked) return Explained(source, std::move(checked).error());
  std::optional<Error> stopped;  // the sink's, which is not about the declaration
  Status read =
      preprocessing::ReadRows(*connection_, sql, schema, batch_rows, [&](const Table& batch) {
        Status taken = sink(batch);
        if (!taken) stopped = taken.error();
        return taken;
      });
  if (read || stopped) return read;
  return Explained(source, std::move(read).error());
}

}  // namespace forkcast::preprocessing
