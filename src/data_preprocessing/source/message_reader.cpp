#include "data_preprocessing/source/message_reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/table/csv_field_reader.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

Error NoRow(std::string_view why) { return {ErrorCode::kInvalidArgument, std::string(why)}; }

Error BadValue(const ColumnSpec& column, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("column {}: {}", column.header(), why),
          column.name};
}

Error NotOfType(const ColumnSpec& column, std::string_view got) {
  return BadValue(column, fmt::format("expected {}, got {}", ToString(column.type), got));
}

Status AppendMissing(const ColumnSpec& column, Column& into) {
  if (!column.nullable) return BadValue(column, "is missing");
  into.AppendMissing();
  return {};
}

/// As it is written in a file.
Status AppendWritten(std::string_view text, const ColumnSpec& column, const TimeZone& zone,
                     Column& into) {
  Status appended = AppendParsed(text, column.format, zone, into);
  return appended ? appended : BadValue(column, appended.error().message);
}

Status AppendWhole(std::int64_t number, const ColumnSpec& column, const TimeZone& zone,
                   Column& into) {
  switch (column.type) {
    case ColumnType::kInt64:
      into.AppendInt64(number);
      return {};
    case ColumnType::kDouble:
      into.AppendDouble(static_cast<double>(number));
      return {};
    default:
      return AppendWritten(std::to_string(number), column, zone, into);
  }
}

Status AppendReal(double number, const ColumnSpec& column, Column& into) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (column.type == ColumnType::kDouble) {
    into.AppendDouble(number);
    return {};
  }
  if (column.type == ColumnType::kInt64 && std::trunc(number) == number &&
      std::abs(number) <= kExact) {
    into.AppendInt64(static_cast<std::int64_t>(number));
    return {};
  }
  return NotOfType(column, fmt::format("{}", number));
}

Status AppendValue(const element& value, const ColumnSpec& column, const TimeZone& zone,
                   Column& into) {
  switch (value.type()) {
    case element_type::STRING:
      return AppendWritten(value.get_string().value_unsafe(), column, zone, into);
    case element_type::INT64:
      return AppendWhole(value.get_int64().value_unsafe(), column, zone, into);
    case element_type::DOUBLE:
      return AppendReal(value.get_double().value_unsafe(), column, into);
    case element_type::BOOL:
      if (column.type != ColumnType::kBool) break;
      into.AppendBool(value.get_bool().value_unsafe());
      return {};
    case element_type::NULL_VALUE:
      return AppendMissing(column, into);
    default:  // UINT64 is beyond int64
      break;
  }
  constexpr std::size_t kShown = 40;
  const std::string text = simdjson::minify(value);
  return NotOfType(column, text.size() > kShown ? text.substr(0, kShown) + "..." : text);
}

}  // namespace

struct MessageReader::State {
  State(const TableSpec& table_, const TimeZone& zone_, MessageFormat format_)
      : table(table_),
        zone(zone_),
        format(format_),
        scanner(table_.csv),
        fields(table_.schema, table_.csv, zone_),
        values(table_.schema.columns.size()) {}

  const TableSpec& table;
  const TimeZone& zone;
  MessageFormat format;
  simdjson::dom::parser parser{};
  CsvScanner scanner;
  CsvFieldReader fields;
  std::vector<std::optional<element>> values;  // by column; of the message at hand
};

MessageReader::MessageReader(const TableSpec& table, const TimeZone& zone, MessageFormat format)
    : state_(std::make_unique<State>(table, zone, format)) {}

MessageReader::~MessageReader() = default;

Status MessageReader::Append(std::string_view message, Table& batch) {
  if (message.empty()) return NoRow("the message is empty");
  if (message.size() > kMaxBytes) {
    return NoRow(fmt::format("the message has {} bytes, more than the {} of a row", message.size(),
                             kMaxBytes));
  }
  const std::size_t rows = batch.row_count();
  Status appended = state_->format == MessageFormat::kJson ? AppendJson(message, batch)
                                                           : AppendCsv(message, batch);
  if (!appended) batch.Truncate(rows);
  return appended;
}

Status MessageReader::AppendJson(std::string_view message, Table& batch) {
  element document;
  if (const auto error = state_->parser.parse(message.data(), message.size()).get(document)) {
    return NoRow(fmt::format("the message is no JSON: {}", simdjson::error_message(error)));
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return NoRow("the message is no JSON object");
  const std::vector<ColumnSpec>& columns = state_->table.schema.columns;
  std::ranges::fill(state_->values, std::nullopt);
  for (const auto member : object) {
    const auto column = std::ranges::find(columns, member.key, &ColumnSpec::header);
    if (column == columns.end()) continue;
    std::optional<element>& value =
        state_->values[static_cast<std::size_t>(column - columns.begin())];
    if (value) return BadValue(*column, "is there twice");
    value = member.value;
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::optional<element>& value = state_->values[i];
    Status appended = value ? AppendValue(*value, columns[i], state_->zone, batch.column(i))
                            : AppendMissing(columns[i], batch.column(i));
    if (!appended) return appended;
  }
  return {};
}

Status MessageReader::AppendCsv(std::string_view message, Table& batch) {
  CsvScanner& scanner = state_->scanner;
  scanner.Reset(message);
  const Result<bool> found = scanner.Next();
  if (!found) return found.error();
  const std::vector<ColumnSpec>& columns = state_->table.schema.columns;
  if (!*found || scanner.fields().size() != columns.size()) {
    return NoRow(fmt::format("expected the {} columns of the table, got {} fields", columns.size(),
                             *found ? scanner.fields().size() : 0));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const CsvField& field = scanner.fields()[i];
    Status appended;
    if (!state_->fields.IsMissing(field, i)) {
      appended = state_->fields.Append(field.text, i, batch.column(i));
      if (!appended) return BadValue(columns[i], appended.error().message);
    } else if (columns[i].type == ColumnType::kText && !columns[i].nullable) {
      batch.column(i).AppendText("");
    } else {
      appended = AppendMissing(columns[i], batch.column(i));
    }
    if (!appended) return appended;
  }
  const Result<bool> more = scanner.Next();
  if (!more) return more.error();
  if (*more) return NoRow("the message has more than one line");
  return {};
}

}  // namespace forkcast::preprocessing
