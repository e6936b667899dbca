#include "data_preprocessing/table/csv_hints.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/csv_field_reader.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_format.hpp"

namespace forkcast::preprocessing {
namespace {

using namespace std::string_view_literals;

/// What a kind of file begins with, and its name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kSignatures{
    {{"\x50\x4B\x03\x04"sv, "a zip (an .xlsx is one, too): unpack it, or save the sheet as CSV"},
     {"\xFD\x37\x7A\x58\x5A\x00"sv, "compressed by xz: unpack it, or use gzip"},
     {"\x28\xB5\x2F\xFD"sv, "compressed by zstd: unpack it, or use gzip"},
     {"BZh"sv, "compressed by bzip2: unpack it, or use gzip"},
     {"7z\xBC\xAF\x27\x1C"sv, "a 7z archive: unpack it"},
     {"PAR1"sv, "Parquet: write it as CSV"},
     {"\xD0\xCF\x11\xE0"sv, "an old .xls: save the sheet as CSV"},
     {"%PDF"sv, "a PDF"},
     {"SQLite format 3\x00"sv, "an SQLite database: write its table as CSV"},
     {"<!DOCTYPE html"sv, "HTML, most likely the page of an error or of a login"},
     {"<html"sv, "HTML, most likely the page of an error or of a login"},
     {"<?xml"sv, "XML"},
     {"ARROW1"sv, "an Arrow file: write it as CSV"}}};

constexpr std::array<std::string_view, 13> kMissingWords{
    "NA", "N/A", "#N/A", "NULL", "null", "NaN", "nan", "NAN", "None", "none", "-", "?", "\\N"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kBoolWords{
    {{"yes", "no"},
     {"Yes", "No"},
     {"YES", "NO"},
     {"y", "n"},
     {"Y", "N"},
     {"t", "f"},
     {"T", "F"},
     {"on", "off"},
     {"On", "Off"},
     {"ON", "OFF"},
     {"ja", "nein"},
     {"Ja", "Nein"},
     {"JA", "NEIN"},
     {"oui", "non"},
     {"Oui", "Non"},
     {"OUI", "NON"}}};

bool StartsIgnoringCase(std::string_view text, std::string_view begin) noexcept {
  return EqualsIgnoringCase(text.substr(0, begin.size()), begin);
}

/// Whether `text` is a value of `column` in the dialect.
bool IsValue(std::string_view text, const ColumnSpec& column, const CsvDialect& dialect,
             const TimeZone& zone) {
  const Schema schema{{column}};
  Column values(column.type);
  return CsvFieldReader(schema, dialect, zone).Append(text, 0, values).ok();
}

/// `"a": 1` as the pipeline's `"csv"` takes it.
std::string Option(std::string_view members) { return fmt::format("(\"csv\": {{{}}})", members); }

std::string ShownChar(char c) { return c == '\t' ? "\\t" : std::string(1, c); }

std::string HintOfNumber(std::string_view text, const ColumnSpec& column, const CsvDialect& dialect,
                         const TimeZone& zone) {
  for (const CsvDialect& style : NumberStyles()) {
    CsvDialect other = dialect;
    other.decimal = style.decimal;
    other.thousands = style.thousands;
    if (other == dialect || !CheckDialect(other) || !IsValue(text, column, other, zone)) continue;
    std::string members;
    if (other.decimal != dialect.decimal && other.decimal != '\0') {
      members = fmt::format("\"decimal\": \"{}\"", other.decimal);
    }
    if (other.thousands != dialect.thousands && other.thousands != '\0') {
      members = fmt::format("{}{}\"thousands\": \"{}\"", members, members.empty() ? "" : ", ",
                            other.thousands);
    }
    const bool drops = dialect.thousands != '\0' && other.thousands == '\0';
    return fmt::format(": is it written with another point? {}{}", Option(members),
                       drops ? ", without \"thousands\"" : "");
  }
  const ColumnSpec as_double{.name = column.name, .type = ColumnType::kDouble};
  if (column.type == ColumnType::kInt64 && IsValue(text, as_double, dialect, zone)) {
    return ": the column has fractions; declare it as \"double\"";
  }
  return {};
}

std::string HintOfBool(std::string_view text) {
  const auto* const words = std::ranges::find_if(
      kBoolWords, [text](const auto& pair) { return text == pair.first || text == pair.second; });
  if (words == kBoolWords.end()) return {};
  return fmt::format(
      ": the column can declare its words ({{\"type\": \"bool\", \"true\": [\"{}\"], \"false\": "
      "[\"{}\"]}})",
      words->first, words->second);
}

std::string HintOfTime(std::string_view text) {
  const std::vector<std::string> formats = TimeFormatsOf({text});
  if (formats.empty()) return {};
  std::string shown;
  for (std::size_t i = 0; i < formats.size() && i < 2; ++i) {
    shown = fmt::format("{}{}\"format\": \"{}\"", shown, i == 0 ? "" : " or ", formats[i]);
  }
  return fmt::format(": the column can declare how its times are written ({})", shown);
}

}  // namespace

std::optional<std::string> NoCsvBecause(std::string_view first_bytes, CsvEncoding encoding) {
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r' && c != '\n';
  };
  const bool has_controls = std::ranges::any_of(first_bytes, is_control);
  for (const auto& [begin, what] : kSignatures) {
    const bool is_text = begin.front() == '<' || begin.front() == '%';
    if ((is_text || has_controls) && StartsIgnoringCase(first_bytes, begin)) {
      return fmt::format("it is {}", what);
    }
  }
  const auto unless_declared = [&](CsvEncoding seen) -> std::optional<std::string> {
    if (seen == encoding) return std::nullopt;
    const std::string_view name = ToString(seen);
    return fmt::format("its first bytes say that it is {}: {}", name,
                       Option(fmt::format("\"encoding\": \"{}\"", name)));
  };
  if (first_bytes.starts_with("\xFF\xFE")) return unless_declared(CsvEncoding::kUtf16Le);
  if (first_bytes.starts_with("\xFE\xFF")) return unless_declared(CsvEncoding::kUtf16Be);
  if (first_bytes.starts_with("\xEF\xBB\xBF")) return unless_declared(CsvEncoding::kUtf8);
  // One kind alone may be a slip in a text, and in UTF-16 every other byte is 0.
  const auto is_other = [&](char c) { return c != '\0' && is_control(c); };
  const bool has_zeros = std::ranges::find(first_bytes, '\0') != first_bytes.end();
  if (has_zeros && std::ranges::any_of(first_bytes, is_other)) {
    return "it is no text: a program, a picture or an archive, perhaps; expected a CSV";
  }
  return std::nullopt;
}

std::string HintOfField(std::string_view text, const ColumnSpec& column, const CsvDialect& dialect,
                        const TimeZone& zone) {
  if (LooksMissing(text)) {
    return fmt::format(": does it stand for a missing value? {}{}",
                       Option(fmt::format("\"null\": [\"{}\"]", text == "\\N" ? "\\\\N" : text)),
                       column.nullable ? "" : ", and the column is to be \"nullable\": true");
  }
  const std::string_view trimmed = Trimmed(text);
  if (trimmed != text && IsValue(trimmed, column, dialect, zone)) {
    return fmt::format(": blanks around it are not taken away unless asked for {}",
                       Option("\"trim\": true"));
  }
  switch (column.type) {
    case ColumnType::kInt64:
    case ColumnType::kDouble:
      return HintOfNumber(text, column, dialect, zone);
    case ColumnType::kBool:
      return HintOfBool(text);
    case ColumnType::kTimestamp:
      return HintOfTime(text);
    case ColumnType::kText:
      return {};
  }
  return {};
}

std::string HintOfHeader(const std::vector<CsvField>& header, const ColumnSpec& column,
                         const CsvDialect& dialect) {
  if (header.size() == 1) {
    const std::string_view text = header.front().text;
    for (const char delimiter : {',', ';', '\t', '|'}) {
      const auto count = std::ranges::count(text, delimiter);
      if (count == 0 || delimiter == dialect.delimiter) continue;
      const std::string shown = ShownChar(delimiter);
      return fmt::format(": one field with {} \"{}\" in it: is the delimiter \"{}\"? {}", count,
                         shown, shown, Option(fmt::format("\"delimiter\": \"{}\"", shown)));
    }
  }
  for (const CsvField& field : header) {
    if (EqualsIgnoringCase(field.text, column.header())) {
      return fmt::format(": it has \"{}\" {}", field.text, Option("\"header\": \"any_case\""));
    }
    if (Trimmed(field.text) == column.header()) {
      return fmt::format(": it has \"{}\" with blanks around it {}", column.header(),
                         Option("\"trim\": true"));
    }
  }
  std::string names;
  constexpr std::size_t kShown = 200;
  for (const CsvField& field : header) {
    if (names.size() + field.text.size() > kShown) {
      names = fmt::format("{}, ...", names);
      break;
    }
    names = fmt::format("{}{}{}", names, names.empty() ? "" : ", ", field.text);
  }
  return fmt::format(": it has {}", names);
}

std::string HintOfBytes(std::string_view text, const CsvDialect& dialect) {
  if (dialect.encoding != CsvEncoding::kUtf8) return {};
  if (text.find('\0') == std::string_view::npos) {
    if (simdjson::validate_utf8(text.data(), text.size())) return {};
    return fmt::format(": is it windows-1252? {}", Option("\"encoding\": \"windows-1252\""));
  }
  // In UTF-16 every other byte of most texts is 0.
  if (std::ranges::count(text, '\0') * 3 < static_cast<std::ptrdiff_t>(text.size())) return {};
  const std::string_view encoding =
      ToString(text.front() == '\0' ? CsvEncoding::kUtf16Be : CsvEncoding::kUtf16Le);
  return fmt::format(": is it {}? {}", encoding,
                     Option(fmt::format("\"encoding\": \"{}\"", encoding)));
}

bool AreBoolWords(std::string_view yes, std::string_view no) noexcept {
  return std::ranges::find(kBoolWords, std::pair(yes, no)) != kBoolWords.end();
}

bool LooksMissing(std::string_view text) noexcept {
  return std::ranges::find(kMissingWords, text) != kMissingWords.end();
}

const std::vector<CsvDialect>& NumberStyles() {
  static const std::vector<CsvDialect> styles{{},
                                              {.decimal = ','},
                                              {.decimal = ',', .thousands = '.'},
                                              {.thousands = ','},
                                              {.decimal = ',', .thousands = ' '},
                                              {.thousands = ' '},
                                              {.thousands = '\''},
                                              {.decimal = '\0', .thousands = '.'}};
  return styles;
}

}  // namespace forkcast::preprocessing
