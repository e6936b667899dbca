// Each part is guessed on what the one before made of the bytes: the encoding, then the delimiter
// (of which all records have as many fields as the first), then by the columns how numbers are
// written and what stands for missing ones.

#include "data_preprocessing/table/guess_dialect.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <span>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/csv_hints.hpp"
#include "data_preprocessing/table/csv_scanner.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/plain_number.hpp"
#include "data_preprocessing/table/text_decoder.hpp"
#include "data_preprocessing/table/time_format.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kMostRecords = 1000;

struct Field {
  std::string text;
  bool quoted = false;
};
using Record = std::vector<Field>;

/// `text` up to its last line break, when that is not its only line: behind it, something may be
/// cut in two.
std::string_view WholeLines(std::string_view text) noexcept {
  const std::size_t last = text.rfind('\n');
  return last == std::string_view::npos ? text : text.substr(0, last + 1);
}

bool IsUtf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

CsvEncoding GuessEncoding(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) return CsvEncoding::kUtf16Le;
  if (bytes.starts_with("\xFE\xFF")) return CsvEncoding::kUtf16Be;
  if (bytes.size() >= 4 && bytes[1] == '\0' && bytes[3] == '\0') return CsvEncoding::kUtf16Le;
  if (bytes.size() >= 4 && bytes[0] == '\0' && bytes[2] == '\0') return CsvEncoding::kUtf16Be;
  if (IsUtf8(WholeLines(bytes))) return CsvEncoding::kUtf8;
  std::string decoded;
  const bool good = TextDecoder(CsvEncoding::kWindows1252).Decode(bytes, decoded).ok();
  return good ? CsvEncoding::kWindows1252 : CsvEncoding::kIso88591;
}

std::string ToUtf8(std::string_view bytes, CsvEncoding encoding) {
  std::string text;
  // What follows a character that is none is left out.
  (void)TextDecoder(encoding).Decode(bytes, text);
  return text;
}

/// The first records of `text`, up to what is no CSV in the dialect.
std::vector<Record> ReadRecords(std::string_view text, const CsvDialect& dialect) {
  CsvScanner scanner(dialect);
  scanner.Reset(text);
  std::vector<Record> records;
  while (records.size() < kMostRecords) {
    const Result<bool> more = scanner.Next();
    if (!more || !*more) break;
    Record& record = records.emplace_back();
    for (const CsvField& field : scanner.fields()) {
      record.push_back({.text = std::string(field.text), .quoted = field.quoted});
    }
  }
  return records;
}

/// By how much the records look like those of a table: fields of those that are as long as the
/// first one. None when they have one field each.
std::size_t FieldsOfEqualRecords(const std::vector<Record>& records) {
  if (records.empty() || records.front().size() < 2) return 0;
  const std::size_t width = records.front().size();
  const auto equal = static_cast<std::size_t>(std::ranges::count(records, width, &Record::size));
  // Most must be; a few may be broken.
  return equal * 10 >= records.size() * 9 ? equal * width : 0;
}

char GuessDelimiter(std::string_view text) {
  char best = ',';
  std::size_t most = 0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    CsvDialect dialect{.delimiter = delimiter};
    const std::size_t fields = FieldsOfEqualRecords(ReadRecords(text, dialect));
    if (fields > most) {
      best = delimiter;
      most = fields;
    }
  }
  return best;
}

bool IsNumber(std::string_view text, const CsvDialect& dialect) {
  PlainNumber plain;
  return plain.Assign(text, dialect) && ParseDouble(plain.text()).ok();
}

/// Whether all are times of one form.
bool AreTimes(const std::vector<std::string_view>& texts) {
  const auto is_plain = [](std::string_view text) { return ParseTimestamp(text, TimeZone()).ok(); };
  return !texts.empty() && (std::ranges::all_of(texts, is_plain) || !TimeFormatsOf(texts).empty());
}

/// What stands in a column behind the first record, without blanks and what may be missing.
std::vector<std::string_view> ValuesOf(const std::vector<Record>& records, std::size_t column) {
  std::vector<std::string_view> values;
  for (const Record& record : std::span(records).subspan(1)) {
    if (column >= record.size()) continue;
    const std::string_view text = Trimmed(record[column].text);
    if (!text.empty() && !LooksMissing(text)) values.push_back(text);
  }
  return values;
}

/// The columns, of records behind the first, in which every field that is not missing is a number.
std::vector<std::size_t> NumberColumns(const std::vector<Record>& records,
                                       const CsvDialect& dialect) {
  std::vector<std::size_t> columns;
  for (std::size_t column = 0; column < records.front().size(); ++column) {
    const std::vector<std::string_view> values = ValuesOf(records, column);
    const auto is_number = [&](std::string_view text) { return IsNumber(text, dialect); };
    if (!values.empty() && std::ranges::all_of(values, is_number)) columns.push_back(column);
  }
  return columns;
}

void GuessNumbers(const std::vector<Record>& records, CsvDialect& dialect) {
  std::size_t most = 0;
  const CsvDialect before = dialect;
  for (const CsvDialect& style : NumberStyles()) {
    CsvDialect tried = before;
    tried.decimal = style.decimal;
    tried.thousands = style.thousands;
    if (!CheckDialect(tried)) continue;
    const std::size_t columns = NumberColumns(records, tried).size();
    if (columns > most) {
      most = columns;
      dialect = tried;
    }
  }
}

/// Null texts and blanks, which only show beside values that are no text.
void GuessMissing(const std::vector<Record>& records, CsvDialect& dialect) {
  const std::vector<std::size_t> numbers = NumberColumns(records, dialect);
  for (std::size_t column = 0; column < records.front().size(); ++column) {
    const bool is_number = std::ranges::find(numbers, column) != numbers.end();
    if (!is_number && !AreTimes(ValuesOf(records, column))) continue;
    for (const Record& record : std::span(records).subspan(1)) {
      if (column >= record.size()) continue;
      const std::string_view text = record[column].text;
      const std::string_view bare = Trimmed(text);
      if (bare != text) dialect.blanks = CsvBlanks::kTrimmed;
      const bool is_known = std::ranges::find(dialect.null, bare) != dialect.null.end();
      if (LooksMissing(bare) && !is_known) dialect.null.emplace_back(bare);
    }
  }
  std::ranges::sort(dialect.null);
}

/// Whether names stand in the first record: none is missing, a number, a time or there twice.
bool HasHeader(const std::vector<Record>& records, const CsvDialect& dialect) {
  std::vector<std::string_view> names;
  for (const Field& field : records.front()) {
    const std::string_view name = Trimmed(field.text);
    const bool is_value = name.empty() || IsNumber(name, dialect) || AreTimes({name});
    if (is_value || std::ranges::find(names, name) != names.end()) return false;
    names.push_back(name);
  }
  return true;
}

}  // namespace

GuessedCsv GuessDialect(std::string_view bytes) {
  GuessedCsv guess;
  CsvDialect& dialect = guess.dialect;
  dialect.encoding = GuessEncoding(bytes);
  const std::string decoded = ToUtf8(bytes, dialect.encoding);
  const std::string_view text = WholeLines(decoded);
  dialect.delimiter = GuessDelimiter(text);
  const std::vector<Record> records = ReadRecords(text, dialect);
  if (records.empty()) return guess;
  GuessNumbers(records, dialect);
  GuessMissing(records, dialect);
  const bool blank_names = std::ranges::any_of(records.front(), [](const Field& field) {
    return !field.quoted && Trimmed(field.text) != field.text;
  });
  if (blank_names) dialect.blanks = CsvBlanks::kTrimmed;
  guess.has_header = HasHeader(records, dialect);
  for (const Field& field : records.front()) {
    const std::string_view name = field.text;
    guess.fields.emplace_back(dialect.blanks == CsvBlanks::kTrimmed ? Trimmed(name) : name);
  }
  return guess;
}

}  // namespace forkcast::preprocessing
