#include "data_preprocessing/dao/postgres/binary_values.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

// Object ids of types, the same on every server (pg_type.dat).
enum TypeId : std::uint32_t {
  kBool = 16,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kNumeric = 1700,
};

constexpr std::int64_t kMicrosOf2000 =
    946'684'800'000'000;  // since 1970; PostgreSQL counts from 2000
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

template <typename Number>
void AppendBigEndian(std::string& bytes, Number number) {
  const auto bits = static_cast<std::make_unsigned_t<Number>>(number);
  for (int shift = 8 * (static_cast<int>(sizeof bits) - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>(bits >> static_cast<unsigned>(shift) & 0xFFU);
  }
}

void AppendField(std::string& bytes, std::int64_t number) {
  AppendBigEndian(bytes, std::int32_t{8});
  AppendBigEndian(bytes, number);
}

/// False when it is a text with a NUL.
bool AppendValue(std::string& bytes, const Column& column, std::size_t row) {
  if (column.IsMissing(row)) {
    AppendBigEndian(bytes, std::int32_t{-1});
    return true;
  }
  switch (column.type()) {
    case ColumnType::kText: {
      const std::string_view text = column.Text(row);
      AppendBigEndian(bytes, static_cast<std::int32_t>(text.size()));
      bytes += text;
      return text.find('\0') == std::string_view::npos;
    }
    case ColumnType::kInt64:
      AppendField(bytes, column.Int64(row));
      return true;
    case ColumnType::kDouble:
      AppendField(bytes, std::bit_cast<std::int64_t>(column.Double(row)));
      return true;
    case ColumnType::kBool:
      AppendBigEndian(bytes, std::int32_t{1});
      bytes += column.Bool(row) ? '\1' : '\0';
      return true;
    case ColumnType::kTimestamp:
      AppendField(bytes, ToMicros(column.Timestamp(row)) - kMicrosOf2000);
      return true;
  }
  return true;
}

/// A big-endian number of the value's size, with its sign.
template <typename Number>
Number BigEndian(std::string_view bytes) {
  std::make_unsigned_t<Number> number = 0;
  for (const char c : bytes.substr(0, sizeof number)) {
    number =
        static_cast<std::make_unsigned_t<Number>>(number << 8U | static_cast<unsigned char>(c));
  }
  return static_cast<Number>(number);
}

/// The nearest double of a `numeric`: digits to the base 10,000, the first of which counts
/// 10,000^weight. NaN where it is no finite number.
double NumericToDouble(std::string_view bytes) {
  constexpr std::uint16_t kNegative = 0x4000;
  const auto word = [bytes](std::size_t index) {
    return BigEndian<std::int16_t>(bytes.substr(2 * index));
  };
  const auto digits = static_cast<std::size_t>(word(0));
  const auto sign = static_cast<std::uint16_t>(word(2));
  if (sign > kNegative) return std::numeric_limits<double>::quiet_NaN();
  std::string text = sign == kNegative ? "-0" : "0";
  for (std::size_t i = 0; i < digits; ++i) text += fmt::format("{:04}", word(4 + i));
  text += fmt::format("e{}", 4 * (word(1) + 1 - static_cast<int>(digits)));
  return std::strtod(text.c_str(), nullptr);
}

std::optional<std::int64_t> WholeNumber(std::uint32_t type, std::string_view bytes) {
  switch (type) {
    case kInt2:
      return BigEndian<std::int16_t>(bytes);
    case kInt4:
      return BigEndian<std::int32_t>(bytes);
    case kInt8:
      return BigEndian<std::int64_t>(bytes);
    default:
      return std::nullopt;
  }
}

std::optional<double> Number(std::uint32_t type, std::string_view bytes) {
  if (const auto whole = WholeNumber(type, bytes)) return static_cast<double>(*whole);
  double number = std::numeric_limits<double>::quiet_NaN();
  if (type == kFloat4) number = std::bit_cast<float>(BigEndian<std::int32_t>(bytes));
  if (type == kFloat8) number = std::bit_cast<double>(BigEndian<std::int64_t>(bytes));
  if (type == kNumeric) number = NumericToDouble(bytes);
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

/// Microseconds since 1970; what has no zone is UTC. None for `infinity`.
std::optional<std::int64_t> Micros(std::uint32_t type, std::string_view bytes) {
  std::int64_t since_2000 = 0;
  if (type == kTimestamp || type == kTimestampTz) {
    since_2000 = BigEndian<std::int64_t>(bytes);
  } else if (type == kDate) {
    if (__builtin_mul_overflow(BigEndian<std::int32_t>(bytes), kMicrosPerDay, &since_2000))
      return {};
  } else {
    return {};
  }
  std::int64_t micros = 0;
  if (__builtin_add_overflow(since_2000, kMicrosOf2000, &micros) ||
      since_2000 == std::numeric_limits<std::int64_t>::min()) {
    return {};
  }
  return micros;
}

bool IsText(std::uint32_t type) {
  return type == kText || type == kVarchar || type == kBpchar || type == kName;
}

std::string_view NameOfType(std::uint32_t type) {
  switch (type) {
    case kBool:
      return "a boolean";
    case kInt2:
    case kInt4:
    case kInt8:
      return "an integer";
    case kFloat4:
    case kFloat8:
      return "a double precision number";
    case kNumeric:
      return "a numeric (a cast makes it another: x::bigint)";
    case kDate:
    case kTimestamp:
    case kTimestampTz:
      return "an instant";
    default:
      return IsText(type) ? "a text" : "a value of another type (a cast makes it one: x::text)";
  }
}

/// False when the value is not of the declared type.
bool AppendAs(ColumnType declared, std::uint32_t type, std::string_view bytes, Column& out) {
  switch (declared) {
    case ColumnType::kText:
      if (!IsText(type)) return false;
      out.AppendText(bytes);
      return true;
    case ColumnType::kInt64:
      if (const auto whole = WholeNumber(type, bytes)) {
        out.AppendInt64(*whole);
        return true;
      }
      return false;
    case ColumnType::kDouble:
      if (const auto number = Number(type, bytes)) {
        out.AppendDouble(*number);
        return true;
      }
      return false;
    case ColumnType::kBool:
      if (type != kBool) return false;
      out.AppendBool(bytes.front() != '\0');
      return true;
    case ColumnType::kTimestamp:
      if (const auto micros = Micros(type, bytes)) {
        out.AppendTimestamp(FromMicros(*micros));
        return true;
      }
      return false;
  }
  return false;
}

}  // namespace

Result<std::string> EncodeCopy(const Table& batch, std::int64_t first_place,
                               std::size_t& failed_row) {
  using namespace std::string_view_literals;
  std::string bytes("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv);
  const std::size_t rows = batch.row_count();
  for (std::size_t row = 0; row < rows; ++row) {
    AppendBigEndian(bytes, static_cast<std::int16_t>(batch.column_count() + 1));
    for (std::size_t i = 0; i < batch.column_count(); ++i) {
      if (AppendValue(bytes, batch.column(i), row)) continue;
      failed_row = row;
      const std::string& name = batch.schema().columns[i].name;
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("column \"{}\": the text has a NUL, which PostgreSQL cannot hold", name),
          name};
    }
    AppendField(bytes, first_place + static_cast<std::int64_t>(row));
  }
  AppendBigEndian(bytes, std::int16_t{-1});
  return bytes;
}

Status AppendBinary(const PgResult& result, std::size_t row, std::size_t column,
                    const ColumnSpec& spec, Column& out) {
  if (result.IsNull(row, column)) {
    if (!spec.nullable) return NotAsDeclared(spec, "nothing");
    out.AppendMissing();
    return {};
  }
  const std::uint32_t type = result.Type(column);
  if (AppendAs(spec.type, type, result.Bytes(row, column), out)) return {};
  const bool is_number = type == kFloat4 || type == kFloat8 || type == kNumeric;
  if (is_number && spec.type == ColumnType::kDouble) return NotAsDeclared(spec, "no finite number");
  return NotAsDeclared(spec, NameOfType(type));
}

}  // namespace forkcast::preprocessing
