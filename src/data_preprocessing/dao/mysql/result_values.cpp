#include "data_preprocessing/dao/mysql/result_values.hpp"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

/// What a type of the server is to us.
enum class Kind : std::uint8_t {
  kNothing,
  kWhole,
  kReal,
  kDecimal,
  kText,
  kInstant,
  kBits,
  kOther
};

constexpr unsigned kBinaryCharset = 63;
constexpr std::size_t kUsualTextBytes = 256;

Kind KindOf(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_NULL:
      return Kind::kNothing;
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
      return Kind::kWhole;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
      return Kind::kReal;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return Kind::kDecimal;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      return Kind::kInstant;
    case MYSQL_TYPE_BIT:
      return Kind::kBits;
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_JSON:
      return field.charsetnr == kBinaryCharset ? Kind::kOther : Kind::kText;
    default:
      return Kind::kOther;
  }
}

/// Microseconds since 1970 of what the server has in UTC; none for a date that is none, such as
/// 0000-00-00.
std::optional<Instant> ToInstant(const MYSQL_TIME& time) {
  namespace chrono = std::chrono;
  const chrono::year_month_day date(chrono::year(static_cast<int>(time.year)),
                                    chrono::month(time.month), chrono::day(time.day));
  if (!date.ok()) return std::nullopt;
  return Instant(chrono::sys_days(date)) + chrono::hours(time.hour) + chrono::minutes(time.minute) +
         chrono::seconds(time.second) + chrono::microseconds(time.second_part);
}

/// The names of the result columns, each as it is declared: SQL does not tell upper from lower
/// case.
std::vector<std::string> NamesOf(const MYSQL_FIELD* fields, std::size_t count,
                                 const Schema& schema) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name(fields[i].name, fields[i].name_length);
    const auto same = [name](const ColumnSpec& column) {
      return EqualsIgnoringCase(column.name, name);
    };
    const auto declared = std::ranges::find_if(schema.columns, same);
    names.emplace_back(declared == schema.columns.end() ? name : std::string_view(declared->name));
  }
  return names;
}

}  // namespace

struct ResultRow::Cell {
  unsigned index = 0;  ///< The result column.
  Kind kind = Kind::kOther;
  enum_field_types type = MYSQL_TYPE_STRING;
  bool is_unsigned = false;
  std::int64_t whole = 0;
  double real = 0;
  MYSQL_TIME time{};
  std::string bytes;
  unsigned long length = 0;
  my_bool is_null = 0;

  MYSQL_BIND Bind() {
    MYSQL_BIND bind{};
    bind.is_null = &is_null;
    bind.length = &length;
    bind.is_unsigned = is_unsigned ? 1 : 0;
    switch (kind) {
      case Kind::kWhole:
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = &whole;
        bind.buffer_length = sizeof whole;
        break;
      case Kind::kReal:
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = &real;
        bind.buffer_length = sizeof real;
        break;
      case Kind::kInstant:
        bind.buffer_type = type;
        bind.buffer = &time;
        bind.buffer_length = sizeof time;
        break;
      default:
        bytes.resize(kUsualTextBytes);
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = bytes.data();
        bind.buffer_length = bytes.size();
        break;
    }
    return bind;
  }

  [[nodiscard]] std::string_view text() const { return std::string_view(bytes).substr(0, length); }

  [[nodiscard]] std::optional<std::int64_t> Whole() const {
    if (kind != Kind::kWhole || (is_unsigned && whole < 0)) return std::nullopt;
    return whole;
  }
  [[nodiscard]] std::optional<double> Number() const {
    if (kind == Kind::kReal) return real;
    if (kind == Kind::kDecimal) return std::strtod(std::string(text()).c_str(), nullptr);
    if (kind != Kind::kWhole) return std::nullopt;
    return is_unsigned ? static_cast<double>(static_cast<std::uint64_t>(whole))
                       : static_cast<double>(whole);
  }
  [[nodiscard]] std::optional<bool> Truth() const {
    if (kind == Kind::kBits && length == 1 && (bytes[0] == '\0' || bytes[0] == '\1')) {
      return bytes[0] == '\1';
    }
    if (kind != Kind::kWhole || (whole != 0 && whole != 1)) return std::nullopt;
    return whole == 1;
  }
  [[nodiscard]] std::optional<Instant> Time() const {
    return kind == Kind::kInstant ? ToInstant(time) : std::nullopt;
  }
  /// For messages.
  [[nodiscard]] std::string What() const {
    switch (kind) {
      case Kind::kNothing:
        return "nothing";
      case Kind::kWhole:
        return is_unsigned ? fmt::format("an integer ({})", static_cast<std::uint64_t>(whole))
                           : fmt::format("an integer ({})", whole);
      case Kind::kReal:
        return "a double";
      case Kind::kDecimal:
        return "a decimal (a cast makes it another: CAST(x AS SIGNED))";
      case Kind::kText:
        return "a text";
      case Kind::kInstant:
        return Time() ? "an instant" : "a date that is none";
      case Kind::kBits:
        return "bits (x + 0 makes them a number)";
      case Kind::kOther:
        break;
    }
    return "a value of another type (a cast makes it one: CONVERT(x USING utf8mb4))";
  }
};

ResultRow::ResultRow(MysqlStatement& statement, std::vector<std::unique_ptr<Cell>> cells)
    : statement_(&statement), cells_(std::move(cells)) {}
ResultRow::ResultRow(ResultRow&&) noexcept = default;
ResultRow::~ResultRow() = default;

Result<ResultRow> ResultRow::Bind(MysqlStatement& statement, const Schema& schema) {
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(
      mysql_stmt_result_metadata(statement.get()), mysql_free_result);
  if (!result) return statement.LastError();
  const std::size_t count = mysql_num_fields(result.get());
  const MYSQL_FIELD* const fields = mysql_fetch_fields(result.get());
  const Result<std::vector<std::size_t>> matched =
      MatchColumns(NamesOf(fields, count, schema), schema);
  if (!matched) return matched.error();

  std::vector<std::unique_ptr<Cell>> cells;
  std::vector<MYSQL_BIND> binds(count, MYSQL_BIND{});
  // What is not asked for goes nowhere.
  for (MYSQL_BIND& bind : binds) bind.buffer_type = MYSQL_TYPE_NULL;
  for (const std::size_t column : *matched) {
    const MYSQL_FIELD& field = fields[column];
    auto cell = std::make_unique<Cell>();
    cell->index = static_cast<unsigned>(column);
    cell->kind = KindOf(field);
    cell->type = field.type;
    cell->is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    binds[column] = cell->Bind();
    cells.push_back(std::move(cell));
  }
  if (mysql_stmt_bind_result(statement.get(), binds.data()) != 0) return statement.LastError();
  return ResultRow(statement, std::move(cells));
}

Status ResultRow::AppendText(const Cell& cell, Column& out) const {
  if (cell.length <= kUsualTextBytes) {
    out.AppendText(cell.text());
    return {};
  }
  std::string text(cell.length, '\0');
  MYSQL_BIND bind{};
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = text.data();
  bind.buffer_length = text.size();
  if (mysql_stmt_fetch_column(statement_->get(), &bind, cell.index, 0) != 0) {
    return statement_->LastError();
  }
  out.AppendText(text);
  return {};
}

Status ResultRow::AppendTo(Table& out) {
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    Status appended = AppendCell(i, out.schema().columns[i], out.column(i));
    if (!appended) return appended;
  }
  return {};
}

Status ResultRow::AppendCell(std::size_t column, const ColumnSpec& spec, Column& out) {
  const Cell& cell = *cells_[column];
  if (cell.is_null != 0 || cell.kind == Kind::kNothing) {
    if (!spec.nullable) return NotAsDeclared(spec, "nothing");
    out.AppendMissing();
    return {};
  }
  switch (spec.type) {
    case ColumnType::kText:
      if (cell.kind == Kind::kText) return AppendText(cell, out);
      break;
    case ColumnType::kInt64:
      if (const auto whole = cell.Whole()) {
        out.AppendInt64(*whole);
        return {};
      }
      break;
    case ColumnType::kDouble:
      if (const auto number = cell.Number()) {
        out.AppendDouble(*number);
        return {};
      }
      break;
    case ColumnType::kBool:
      if (const auto truth = cell.Truth()) {
        out.AppendBool(*truth);
        return {};
      }
      break;
    case ColumnType::kTimestamp:
      if (const auto instant = cell.Time()) {
        out.AppendTimestamp(*instant);
        return {};
      }
      break;
  }
  return NotAsDeclared(spec, cell.What());
}

}  // namespace forkcast::preprocessing
