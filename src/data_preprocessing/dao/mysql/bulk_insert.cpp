#include "data_preprocessing/dao/mysql/bulk_insert.hpp"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "data_preprocessing/dao/mysql/mysql_statement.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kMostKeyBytes = 3072;
constexpr std::size_t kMostBytesOfACharacter = 4;
/// What a request has beside its texts.
constexpr std::size_t kPacketOverhead = 65'536;
constexpr std::size_t kMostRowsAtATime = 10'000;
constexpr std::size_t kMostBytesAtATime = 1U << 20U;

constexpr Instant kFirstInstant = std::chrono::sys_days{std::chrono::year{1} / 1 / 1};
constexpr Instant kEndOfInstants = std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};

MYSQL_TIME ToMysqlTime(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(instant - day);
  MYSQL_TIME result{};
  result.year = static_cast<unsigned>(static_cast<int>(date.year()));
  result.month = static_cast<unsigned>(date.month());
  result.day = static_cast<unsigned>(date.day());
  result.hour = static_cast<unsigned>(time.hours().count());
  result.minute = static_cast<unsigned>(time.minutes().count());
  result.second = static_cast<unsigned>(time.seconds().count());
  result.second_part = static_cast<unsigned long>(time.subseconds().count());
  result.time_type = MYSQL_TIMESTAMP_DATETIME;
  return result;
}

/// One parameter's values for many rows, as the library wants them: numbers beside each other,
/// everything else by pointers.
class BoundColumn {
 public:
  explicit BoundColumn(ColumnType type) : type_(type) {}

  void AddInt64(std::int64_t value) {
    indicators_.push_back(STMT_INDICATOR_NONE);
    integers_.push_back(value);
  }
  void Add(const Column& column, std::size_t row) {
    const bool is_missing = column.IsMissing(row);
    indicators_.push_back(is_missing ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE);
    switch (type_) {
      case ColumnType::kText: {
        const std::string_view text = is_missing ? std::string_view() : column.Text(row);
        texts_.push_back(text.data());
        lengths_.push_back(text.size());
        break;
      }
      case ColumnType::kInt64:
        integers_.push_back(is_missing ? 0 : column.Int64(row));
        break;
      case ColumnType::kBool:
        integers_.push_back(!is_missing && column.Bool(row) ? 1 : 0);
        break;
      case ColumnType::kDouble:
        doubles_.push_back(is_missing ? 0 : column.Double(row));
        break;
      case ColumnType::kTimestamp:
        times_.push_back(is_missing ? MYSQL_TIME{} : ToMysqlTime(column.Timestamp(row)));
        break;
    }
  }
  /// Valid until the next Add().
  MYSQL_BIND Bind() {
    MYSQL_BIND bind{};
    bind.u.indicator = indicators_.data();
    switch (type_) {
      case ColumnType::kText:
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = texts_.data();
        bind.length = lengths_.data();
        break;
      case ColumnType::kInt64:
      case ColumnType::kBool:
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = integers_.data();
        break;
      case ColumnType::kDouble:
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = doubles_.data();
        break;
      case ColumnType::kTimestamp:
        time_pointers_.clear();
        for (const MYSQL_TIME& time : times_) time_pointers_.push_back(&time);
        bind.buffer_type = MYSQL_TYPE_DATETIME;
        bind.buffer = time_pointers_.data();
        break;
    }
    return bind;
  }
  void Clear() {
    indicators_.clear();
    integers_.clear();
    doubles_.clear();
    texts_.clear();
    lengths_.clear();
    times_.clear();
  }

 private:
  ColumnType type_;
  std::vector<char> indicators_;
  std::vector<std::int64_t> integers_;
  std::vector<double> doubles_;
  std::vector<const char*> texts_;
  std::vector<unsigned long> lengths_;
  std::vector<MYSQL_TIME> times_;
  std::vector<const MYSQL_TIME*> time_pointers_;
};

std::size_t BytesOf(const Table& batch, std::size_t row) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.column_count(); ++i) {
    const Column& column = batch.column(i);
    const bool is_text = column.type() == ColumnType::kText && !column.IsMissing(row);
    bytes += 16 + (is_text ? column.Text(row).size() : 0);
  }
  return bytes;
}

std::size_t Characters(std::string_view text) {
  // A byte 10xxxxxx goes on with the character before it.
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool IsInKey(const TableSpec& spec, const std::string& column) {
  return std::ranges::find(spec.key, column) != spec.key.end();
}

/// What is wrong with a value; empty: nothing.
std::string WrongWith(const Column& column, std::size_t row, bool is_key, std::size_t most_key) {
  switch (column.type()) {
    case ColumnType::kDouble:
      return std::isfinite(column.Double(row)) ? "" : "the number is not finite";
    case ColumnType::kTimestamp: {
      const Instant instant = column.Timestamp(row);
      if (instant >= kFirstInstant && instant < kEndOfInstants) return "";
      return "the time is outside of the years 1 to 9999";
    }
    case ColumnType::kText:
      if (!is_key || column.Text(row).size() <= most_key) return "";
      if (Characters(column.Text(row)) <= most_key) return "";
      return fmt::format("the text has {} characters, and an index takes {} of it",
                         Characters(column.Text(row)), most_key);
    case ColumnType::kInt64:
    case ColumnType::kBool:
      break;
  }
  return "";
}

}  // namespace

std::size_t MostKeyCharacters(const TableSpec& spec) {
  constexpr std::size_t kBytesOfAnother = 8;
  std::size_t texts = 0;
  std::size_t others = 0;
  for (const ColumnSpec& column : spec.schema.columns) {
    if (!IsInKey(spec, column.name)) continue;
    ++(column.type == ColumnType::kText ? texts : others);
  }
  if (texts == 0) return 0;
  return (kMostKeyBytes - std::min(kMostKeyBytes, others * kBytesOfAnother)) /
         (kMostBytesOfACharacter * texts);
}

Status CheckBatch(const MysqlConnection& connection, const TableSpec& spec, const Table& batch,
                  std::size_t& failed_row) {
  const std::size_t rows = batch.row_count();
  const std::size_t most_key = MostKeyCharacters(spec);
  for (std::size_t i = 0; i < batch.column_count(); ++i) {
    const std::string& name = batch.schema().columns[i].name;
    const bool is_key = IsInKey(spec, name);
    for (std::size_t row = 0; row < rows; ++row) {
      if (batch.column(i).IsMissing(row)) continue;
      const std::string wrong = WrongWith(batch.column(i), row, is_key, most_key);
      if (wrong.empty()) continue;
      failed_row = row;
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("column \"{}\": {}, which MariaDB cannot keep", name, wrong), name};
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t bytes = BytesOf(batch, row) + kPacketOverhead;
    if (bytes <= connection.most_packet_bytes()) continue;
    failed_row = row;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the row has about {} bytes, and the server takes {} at a time (its "
                             "max_allowed_packet)",
                             bytes, connection.most_packet_bytes())};
  }
  return {};
}

Status InsertRows(const MysqlConnection& connection, const std::string& insert, const Table& batch,
                  std::span<const std::size_t> rows, std::int64_t first_place) {
  Result<MysqlStatement> statement = MysqlStatement::Prepare(connection, insert);
  if (!statement) return statement.error();
  std::vector<BoundColumn> columns;
  for (const ColumnSpec& column : batch.schema().columns) columns.emplace_back(column.type);
  BoundColumn places(ColumnType::kInt64);
  const std::size_t most_bytes =
      std::min(kMostBytesAtATime, std::max(connection.most_packet_bytes() / 2, kPacketOverhead));
  while (!rows.empty()) {
    for (BoundColumn& column : columns) column.Clear();
    places.Clear();
    std::size_t bytes = 0;
    unsigned taken = 0;
    while (taken < std::min(rows.size(), kMostRowsAtATime)) {
      const std::size_t row = rows[taken];
      bytes += BytesOf(batch, row);
      if (taken > 0 && bytes > most_bytes) break;
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].Add(batch.column(i), row);
      places.AddInt64(first_place + static_cast<std::int64_t>(row));
      ++taken;
    }
    std::vector<MYSQL_BIND> binds;
    for (BoundColumn& column : columns) binds.push_back(column.Bind());
    binds.push_back(places.Bind());
    mysql_stmt_attr_set(statement->get(), STMT_ATTR_ARRAY_SIZE, &taken);
    if (mysql_stmt_bind_param(statement->get(), binds.data()) != 0) return statement->LastError();
    Status run = statement->Execute();
    if (!run) return run;
    rows = rows.subspan(taken);
  }
  return {};
}

}  // namespace forkcast::preprocessing
