#include "data_preprocessing/dao/sqlite/row_writer.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "data_preprocessing/dao/common/table_rules.hpp"
#include "data_preprocessing/dao/sqlite/sql_text.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {
namespace {

/// Of a statement for many rows. More parameters make no difference, and SQLite takes 32,766.
constexpr std::size_t kParametersAtOnce = 512;

std::string KeyIndexName(const TableSpec& spec) {
  return fmt::format("forkcast_key_of_{}", spec.name);
}

std::string Parameter(std::size_t index) { return fmt::format("?{}", index + 1); }

/// Inserts `rows` rows. Parameter i is a column of the first row, and those of the next follow.
std::string InsertSql(const TableSpec& spec, std::size_t rows) {
  const std::size_t columns = spec.schema.columns.size();
  const auto values = [&](std::size_t row) {
    return fmt::format(
        "({})", Join(columns, ", ", [&](std::size_t i) { return Parameter(row * columns + i); }));
  };
  return fmt::format("INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING",
                     QuoteIdentifier(spec.name), JoinNames(spec.schema.columns),
                     Join(rows, ", ", values));
}

/// The row of the same key, and of each column whether it is the same. Parameter i is column i.
std::string FindSql(const TableSpec& spec, std::string_view also) {
  const std::vector<ColumnSpec>& columns = spec.schema.columns;
  const auto compare = [&](std::size_t i) {
    return fmt::format("{} IS {}", QuoteIdentifier(columns[i].name), Parameter(i));
  };
  const auto match = [&](std::size_t i) {
    return fmt::format("{} = {}", QuoteIdentifier(spec.key[i]),
                       Parameter(*spec.schema.Find(spec.key[i])));
  };
  return fmt::format("SELECT _rowid_, {} FROM {} WHERE {}{}", Join(columns.size(), ", ", compare),
                     QuoteIdentifier(spec.name), Join(spec.key.size(), " AND ", match), also);
}

void BindRow(SqliteStatement& statement, std::size_t parameter, const Table& batch,
             std::size_t row) {
  for (std::size_t i = 0; i < batch.column_count(); ++i) {
    statement.Bind(parameter + i, ValueAt(batch.column(i), row));
  }
}

Status Prepare(const SqliteConnection& connection, const std::string& sql,
               std::optional<SqliteStatement>& into) {
  Result<SqliteStatement> prepared = connection.Prepare(sql);
  if (!prepared) return std::move(prepared).error();
  into = *std::move(prepared);
  return {};
}

/// Whether a SELECT gives a row.
Result<bool> GivesARow(const SqliteConnection& connection, const std::string& sql) {
  Result<SqliteStatement> statement = connection.Prepare(sql);
  if (!statement) return std::move(statement).error();
  return statement->Step();
}

}  // namespace

Status CreateKeyIndex(const SqliteConnection& connection, const TableSpec& spec) {
  return connection.Execute(fmt::format(
      "CREATE UNIQUE INDEX {} ON {} ({})", QuoteIdentifier(KeyIndexName(spec)),
      QuoteIdentifier(spec.name),
      Join(spec.key.size(), ", ", [&](std::size_t i) { return QuoteIdentifier(spec.key[i]); })));
}

Result<RowWriter> RowWriter::Make(const SqliteConnection& connection, const TableSpec& spec) {
  Result<SqliteStatement> insert = connection.Prepare(InsertSql(spec, 1));
  if (!insert) return std::move(insert).error();
  RowWriter writer(connection, spec, *std::move(insert));
  Status done = spec.key.empty() ? Status() : writer.PrepareForKey();
  if (done && (spec.key.empty() || writer.remembered_)) {
    writer.rows_at_once_ = std::max<std::size_t>(1, kParametersAtOnce / spec.schema.columns.size());
    done = Prepare(connection, InsertSql(spec, writer.rows_at_once_), writer.insert_many_);
  }
  if (!done) return std::move(done).error();
  return writer;
}

Status RowWriter::PrepareForKey() {
  for (const std::string& name : spec_.key) key_.push_back(*spec_.schema.Find(name));
  const std::string table = QuoteIdentifier(spec_.name);
  Status done = Prepare(*connection_, FindSql(spec_, ""), find_);
  if (done) {
    done = Prepare(*connection_, fmt::format("DELETE FROM {} WHERE _rowid_ = ?1", table), remove_);
  }
  return done ? TakeIndexAway() : done;
}

Status RowWriter::TakeIndexAway() {
  const std::string table = QuoteIdentifier(spec_.name);
  const Result<bool> has_rows =
      GivesARow(*connection_, fmt::format("SELECT 1 FROM {} LIMIT 1", table));
  if (!has_rows) return has_rows.error();
  Result<SqliteStatement> index =
      connection_->Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1");
  if (!index) return std::move(index).error();
  const std::string name = KeyIndexName(spec_);
  index->Bind(0, std::string_view(name));
  const Result<bool> has_index = index->Step();
  if (!has_index) return has_index.error();
  index->Reset();
  // A store of an earlier release has a constraint instead, which cannot be away.
  if (*has_rows || !*has_index) return {};
  Status dropped = connection_->Execute(fmt::format("DROP INDEX {}", QuoteIdentifier(name)));
  if (!dropped) return dropped;
  remembered_.emplace();
  const std::string by_number =
      fmt::format(" AND _rowid_ = {}", Parameter(spec_.schema.columns.size()));
  return Prepare(*connection_, FindSql(spec_, by_number), find_at_);
}

Status RowWriter::Append(const Table& batch, OnConflict on_conflict, AppendCounts& counts,
                         std::size_t& failed_row) {
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    Status written = Write(batch, row, on_conflict, counts);
    if (written) continue;
    if (on_conflict == OnConflict::kSetAside && written.error().code == ErrorCode::kConflict) {
      counts.refused.push_back({.row = row, .reason = std::move(written).error().message});
      continue;
    }
    failed_row = row;
    pending_ = 0;
    return written;
  }
  return Flush(batch, batch.row_count());
}

Status RowWriter::Write(const Table& batch, std::size_t row, OnConflict on_conflict,
                        AppendCounts& counts) {
  const std::int64_t number = last_row_ + static_cast<std::int64_t>(pending_) + 1;
  if (remembered_ && !remembered_->HasRoomFor(number)) {
    Status finished = Flush(batch, row);
    if (finished) finished = Finish();
    if (!finished) return finished;
  }
  std::optional<Stored> stored;
  if (remembered_) {
    const std::uint32_t hash = HashKey(batch, row);
    Result<std::optional<Stored>> found = FindRemembered(batch, row, hash);
    if (!found) return std::move(found).error();
    stored = *found;
    if (!stored) {
      ++pending_;
      remembered_->Add(hash, static_cast<std::uint32_t>(number));
    }
  } else if (spec_.key.empty()) {
    ++pending_;
  } else {
    Result<std::optional<Stored>> found = InsertOrFind(batch, row);
    if (!found) return std::move(found).error();
    stored = *found;
  }
  if (stored) return Meet(*stored, batch, row, on_conflict, counts);
  ++counts.added;
  return {};
}

Result<std::optional<RowWriter::Stored>> RowWriter::FindRemembered(const Table& batch,
                                                                   std::size_t row,
                                                                   std::uint32_t hash) {
  std::optional<Stored> stored;
  const auto is_it = [&](std::uint32_t candidate) -> Result<bool> {
    Status flushed = Flush(batch, row);  // it may be among those
    if (!flushed) return std::move(flushed).error();
    find_at_->Bind(spec_.schema.columns.size(), std::int64_t{candidate});
    Result<std::optional<Stored>> found = Find(*find_at_, batch, row);
    if (!found) return std::move(found).error();
    stored = *found;
    return stored.has_value();
  };
  const Result<bool> searched = remembered_->Find(hash, is_it);
  if (!searched) return searched.error();
  return stored;
}

Result<std::optional<RowWriter::Stored>> RowWriter::InsertOrFind(const Table& batch,
                                                                 std::size_t row) {
  // Most rows are new: only one that could not be added is worth a comparison.
  const Result<bool> inserted = Insert(batch, row);
  if (!inserted) return inserted.error();
  if (*inserted) return std::optional<Stored>();
  Result<std::optional<Stored>> stored = Find(*find_, batch, row);
  if (stored && !*stored) {
    return Error{ErrorCode::kInternal, "a row was refused, but none of its key is stored"};
  }
  return stored;
}

Status RowWriter::Meet(const Stored& stored, const Table& batch, std::size_t row,
                       OnConflict on_conflict, AppendCounts& counts) {
  if (!stored.differing) {
    ++counts.identical;
    return {};
  }
  if (on_conflict != OnConflict::kReplace) return OtherRowOfKey(spec_, *stored.differing);
  remove_->Bind(0, stored.row);
  const Result<bool> removed = remove_->Step();
  remove_->Reset();
  if (!removed) return removed.error();
  const Result<bool> replaced = Insert(batch, row);
  if (!replaced) return replaced.error();
  ++counts.replaced;
  if (!remembered_) return {};
  last_row_ = connection_->last_row();
  remembered_->Replace(HashKey(batch, row), static_cast<std::uint32_t>(stored.row),
                       static_cast<std::uint32_t>(last_row_));
  return {};
}

Status RowWriter::Flush(const Table& batch, std::size_t end) {
  if (pending_ == 0) return {};
  for (; pending_ >= rows_at_once_; pending_ -= rows_at_once_) {
    for (std::size_t i = 0; i < rows_at_once_; ++i) {
      BindRow(*insert_many_, i * batch.column_count(), batch, end - pending_ + i);
    }
    const Result<bool> done = insert_many_->Step();
    insert_many_->Reset();
    if (!done) return done.error();
  }
  for (; pending_ > 0; --pending_) {
    const Result<bool> done = Insert(batch, end - pending_);
    if (!done) return done.error();
  }
  last_row_ = connection_->last_row();
  return {};
}

Result<bool> RowWriter::Insert(const Table& batch, std::size_t row) {
  BindRow(insert_, 0, batch, row);
  const Result<bool> done = insert_.Step();
  insert_.Reset();
  if (!done) return done.error();
  return connection_->changes() == 1;
}

Result<std::optional<RowWriter::Stored>> RowWriter::Find(SqliteStatement& find, const Table& batch,
                                                         std::size_t row) {
  BindRow(find, 0, batch, row);
  std::optional<Stored> stored;
  const Result<bool> found = find.Step();
  if (found && *found) {
    stored = {.row = find.Int64(0), .differing = std::nullopt};
    for (std::size_t i = 0; i < batch.column_count() && !stored->differing; ++i) {
      if (find.Int64(i + 1) == 0) stored->differing = i;
    }
  }
  find.Reset();  // an open read would hinder the removal that may follow
  if (!found) return found.error();
  return stored;
}

std::uint32_t RowWriter::HashKey(const Table& batch, std::size_t row) const {
  std::uint64_t hash = 0;
  for (const std::size_t column : key_) {
    const Value value = ValueAt(batch.column(column), row);
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      hash = XXH3_64bits_withSeed(text->data(), text->size(), hash);
    } else if (const auto* number = std::get_if<double>(&value)) {
      const double zero_is_zero = *number + 0.0;  // -0 is the same key
      hash = XXH3_64bits_withSeed(&zero_is_zero, sizeof zero_is_zero, hash);
    } else {
      const std::int64_t integer = batch.column(column).Int64(row);
      hash = XXH3_64bits_withSeed(&integer, sizeof integer, hash);
    }
  }
  return static_cast<std::uint32_t>(hash);
}

Status RowWriter::Finish() {
  if (!remembered_) return {};
  remembered_.reset();
  return CreateKeyIndex(*connection_, spec_);
}

}  // namespace forkcast::preprocessing
