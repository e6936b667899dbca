#include "data_preprocessing/table/csv_field_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/plain_number.hpp"

namespace forkcast::preprocessing {
namespace {

bool IsNumber(ColumnType type) noexcept {
  return type == ColumnType::kInt64 || type == ColumnType::kDouble;
}

template <typename Predicate>
std::optional<std::size_t> Find(const Schema& schema, const Predicate& predicate) {
  const auto found = std::ranges::find_if(schema.columns, predicate);
  if (found == schema.columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - schema.columns.begin());
}

/// "7" of "7.0"; what has another fraction, or none, as it is.
std::string_view WithoutZeroFraction(std::string_view number) noexcept {
  const std::size_t point = number.find('.');
  if (point == std::string_view::npos || point == 0 || point + 1 == number.size()) return number;
  const bool zeros = number.find_first_not_of('0', point + 1) == std::string_view::npos;
  return zeros ? number.substr(0, point) : number;
}

/// What tells the dialect's numbers from plain ones.
std::string WrittenAs(const CsvDialect& dialect) {
  const std::string point = dialect.decimal == '\0'
                                ? std::string("without fraction")
                                : fmt::format("with \"{}\" as its point", dialect.decimal);
  if (dialect.thousands == '\0') return point;
  return fmt::format("{} and \"{}\" between thousands", point, dialect.thousands);
}

}  // namespace

CsvFieldReader::CsvFieldReader(const Schema& schema, const CsvDialect& dialect,
                               const TimeZone& zone)
    : schema_(schema),
      dialect_(dialect),
      zone_(zone),
      plain_numbers_(dialect.decimal == '.' && dialect.thousands == '\0') {
  for (const ColumnSpec& column : schema.columns) {
    const bool has_format = column.format.time || !column.format.true_words.empty();
    const bool is_plain = plain_numbers_ || !IsNumber(column.type);
    is_plain_.push_back(!has_format && is_plain ? 1 : 0);
  }
}

bool CsvFieldReader::IsMissingText(const CsvField& field, std::size_t column) const noexcept {
  if (field.quoted && schema_.columns[column].type == ColumnType::kText) return false;
  return field.text.empty() || std::ranges::find(dialect_.null, field.text) != dialect_.null.end();
}

Status CsvFieldReader::AppendWritten(std::string_view text, std::size_t column,
                                     Column& into) const {
  if (!plain_numbers_ && IsNumber(into.type())) return AppendNumber(text, into);
  return AppendParsed(text, schema_.columns[column].format, zone_, into);
}

Status CsvFieldReader::AppendWhole(std::string_view text, Column& into) const {
  const Status appended = AppendParsed(WithoutZeroFraction(text), zone_, into);
  // The message is about what stands there.
  return appended ? Status() : AppendParsed(text, zone_, into);
}

Status CsvFieldReader::AppendNumber(std::string_view text, Column& into) const {
  PlainNumber plain;
  if (plain.Assign(text, dialect_)) {
    const bool whole = into.type() == ColumnType::kInt64;
    const Status appended =
        AppendParsed(whole ? WithoutZeroFraction(plain.text()) : plain.text(), zone_, into);
    if (appended) return {};
  }
  constexpr std::size_t kShown = 64;
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("expected {} {}, got \"{}{}\"",
                  into.type() == ColumnType::kInt64 ? "an integer of 64 bits" : "a finite number",
                  WrittenAs(dialect_), text.substr(0, kShown), text.size() > kShown ? "..." : "")};
}

Status MatchHeader(const std::vector<CsvField>& header, const Schema& schema, CsvHeaderMatch match,
                   std::vector<std::optional<std::size_t>>& columns) {
  columns.assign(header.size(), std::nullopt);
  for (std::size_t i = 0; i < header.size(); ++i) {
    columns[i] =
        Find(schema, [&](const ColumnSpec& one) { return one.header() == header[i].text; });
  }
  for (std::size_t i = 0; i < header.size() && match == CsvHeaderMatch::kAnyCase; ++i) {
    if (columns[i]) continue;
    columns[i] = Find(schema, [&](const ColumnSpec& one) {
      const auto exact = [&](const CsvField& field) { return field.text == one.header(); };
      return EqualsIgnoringCase(one.header(), header[i].text) &&
             std::ranges::none_of(header, exact);
    });
  }
  for (std::size_t i = 0; i < header.size(); ++i) {
    const auto before = columns.begin() + static_cast<std::ptrdiff_t>(i);
    if (!columns[i] || std::find(columns.begin(), before, columns[i]) == before) continue;
    const ColumnSpec& column = schema.columns[*columns[i]];
    return CsvErrorAt(header[i].position,
                      fmt::format("column \"{}\" is there twice", header[i].text), column.name);
  }
  return {};
}

}  // namespace forkcast::preprocessing
