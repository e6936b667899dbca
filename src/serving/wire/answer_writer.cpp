#include "serving/wire/answer_writer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::wire {
namespace {

using preprocessing::Value;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes that a JSON string may hold as they are, UTF-8 aside.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

unsigned char ByteAt(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool IsWithin(unsigned char byte, unsigned char low, unsigned char high) noexcept {
  return byte >= low && byte <= high;
}

struct Utf8Step {
  std::size_t length = 1;
  bool valid = false;
};

/// The sequence at the front of `text`, whose first byte is not ASCII; when it is not valid, the
/// part of it that one U+FFFD replaces (Unicode 15, section 3.9, "maximal subparts"). The ranges of
/// the second byte are table 3-7's.
Utf8Step NextUtf8(std::string_view text) noexcept {
  const unsigned char lead = ByteAt(text, 0);
  if (!IsWithin(lead, 0xC2, 0xF4)) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!IsWithin(ByteAt(text, 1), low, high)) return {};
  for (std::size_t i = 2; i < length; ++i) {
    if (!IsWithin(ByteAt(text, i), 0x80, 0xBF)) return {i, false};
  }
  return {length, true};
}

/// Writes the escape of an ASCII character, at most 6 bytes; returns their end.
char* WriteEscape(unsigned char c, char* to) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = static_cast<char>(c);
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      return std::ranges::copy(std::array{'u', '0', '0', kHex[c >> 4U], kHex[c & 0xFU]}, to).out;
  }
}

template <typename Number>
void AppendNumber(Number number, std::string& out) {
  std::array<char, 32> text{};  // the longest double has 24 characters
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

/// Appends a number of few decimals, as prices and counts are, several times as fast as
/// std::to_chars() and with the same characters. False, and nothing, for others.
/// A decimal of at most 15 digits that reads as the number is its shortest form, since no two of
/// them read as the same double. One over 10'000 is rounded once, as reading it is. Within these
/// bounds the form without exponent is never the longer one.
bool AppendShortDecimal(double number, std::string& out) {
  constexpr double kLeast = 1e-3;
  constexpr double kGreatest = 1e10;
  constexpr double kGreatestWhole = 1e5;
  constexpr std::uint64_t kScale = 10'000;
  const double magnitude = std::abs(number);
  if (!(magnitude >= kLeast && magnitude < kGreatest)) return false;
  const auto scaled = static_cast<std::uint64_t>(magnitude * kScale + 0.5);
  if (static_cast<double>(scaled) / kScale != magnitude) return false;
  std::uint64_t decimals = scaled % kScale;
  if (decimals == 0 && magnitude >= kGreatestWhole) return false;
  std::array<char, 24> text{};
  char* end = text.data();
  if (number < 0) *end++ = '-';
  end = std::to_chars(end, text.data() + text.size(), scaled / kScale).ptr;
  if (decimals > 0) *end++ = '.';
  for (std::uint64_t place = kScale / 10; decimals > 0; place /= 10) {
    *end++ = static_cast<char>('0' + decimals / place);
    decimals %= place;
  }
  out.append(text.data(), end);
  return true;
}

/// Appends a value that reads the same in JSON and CSV. False, and nothing, for the others: texts,
/// timestamps and all that is null.
bool AppendBare(const Value& value, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    AppendNumber(*integer, out);
  } else if (const auto* number = std::get_if<double>(&value); number && std::isfinite(*number)) {
    if (!AppendShortDecimal(*number, out)) AppendNumber(*number, out);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  } else {
    return false;
  }
  return true;
}

/// How many of eight bytes, from the first on, a JSON string may hold as they are, by arithmetic on
/// one word: of x - n without a borrow, bytes below n have their highest bit set, and a byte that
/// is c is 0 after x ^ c (Warren, Hacker's Delight, 6-1). A borrow reaches bytes behind the first
/// that is found alone.
constexpr std::size_t CountPlain(std::uint64_t bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighest = 0x8080808080808080;
  const auto has_less = [](std::uint64_t x, std::uint64_t n) { return (x - kOnes * n) & ~x; };
  const std::uint64_t special = has_less(bytes, 0x20) | has_less(bytes ^ (kOnes * '"'), 1) |
                                has_less(bytes ^ (kOnes * '\\'), 1) | bytes;
  return static_cast<std::size_t>(std::countr_zero(special & kHighest)) / 8;
}

constexpr std::size_t kLongestPiece = sizeof(std::uint64_t);

/// Writes the next piece of a JSON string at `to`, which has room for kLongestPiece and is moved
/// behind it. Returns how many bytes of `text`, which is not empty, it stands for.
std::size_t WritePiece(std::string_view text, char*& to) noexcept {
  if (std::uint64_t bytes = 0; text.size() >= sizeof bytes) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    std::memcpy(to, &bytes, sizeof bytes);
    const std::size_t plain = CountPlain(bytes);
    to += plain;
    if (plain > 0) return plain;
  }
  const unsigned char c = ByteAt(text, 0);
  if (kPlain[c]) {
    *to++ = text[0];
    return 1;
  }
  if (c < 0x80) {
    to = WriteEscape(c, to);
    return 1;
  }
  const Utf8Step step = NextUtf8(text);
  to = std::ranges::copy(step.valid ? text.substr(0, step.length) : kReplacement, to).out;
  return step.length;
}

/// As JSON writes one.
bool IsInteger(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && (text.size() == 1 || text.front() != '0') &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool NeedsQuotes(std::string_view text) noexcept {
  return text.find_first_of(",\"\r\n") != std::string_view::npos;
}

void AppendWithinQuotes(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
}

/// Pieces that make up one field, which is not empty.
void AppendCsvPieces(std::span<const std::string_view> pieces, std::string& out) {
  const bool quoted = std::ranges::any_of(pieces, NeedsQuotes);
  if (quoted) out += '"';
  for (const std::string_view piece : pieces) {
    if (quoted) {
      AppendWithinQuotes(piece, out);
    } else {
      out.append(piece);
    }
  }
  if (quoted) out += '"';
}

/// `,"name":`, ready to be appended; the first of an object goes without the comma.
std::string JsonKey(std::string_view name) {
  std::string key(",");
  AppendJsonString(name, key);
  key += ':';
  return key;
}

}  // namespace

// A piece is a few bytes: to append it to a std::string would cost more than to find it.
void AppendJsonString(std::string_view text, std::string& out) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
  std::array<char, 512> pieces;
  char* to = pieces.data();
  *to++ = '"';
  while (!text.empty()) {
    text.remove_prefix(WritePiece(text, to));
    if (to + kLongestPiece < pieces.data() + pieces.size()) continue;
    out.append(pieces.data(), to);
    to = pieces.data();
  }
  *to++ = '"';
  out.append(pieces.data(), to);
}

void AppendJsonValue(const Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendJsonString(*text, out);
  } else if (const auto* instant = std::get_if<Instant>(&value)) {
    out += '"';
    preprocessing::AppendIsoTimestamp(*instant, out);
    out += '"';
  } else if (!AppendBare(value, out)) {
    out += "null";
  }
}

void AppendCsvField(std::string_view text, std::string& out) {
  if (!text.empty() && !NeedsQuotes(text)) {
    out.append(text);
    return;
  }
  out += '"';
  AppendWithinQuotes(text, out);
  out += '"';
}

void AppendCsvValue(const Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendCsvField(*text, out);
  } else if (const auto* instant = std::get_if<Instant>(&value)) {
    preprocessing::AppendIsoTimestamp(*instant, out);
  } else {
    AppendBare(value, out);
  }
}

AnswerWriter::AnswerWriter(AnswerSchema schema) : schema_(std::move(schema)) {
  const auto add = [this](const std::string& name, std::string& csv) {
    members_.push_back(
        {.key = JsonKey(name),
         .is_optional = std::ranges::find(schema_.optional, name) != schema_.optional.end()});
    if (members_.size() > 1) csv += ',';
    AppendCsvField(name, csv);
  };
  for (const std::string& name : schema_.fields) add(name, csv_members_);
  for (const std::string& name : schema_.line_fields) add(name, csv_members_);
  for (const std::string& name : schema_.actuals) add(name, csv_actuals_);
  for (const std::string& feature : schema_.features) {
    feature_keys_.push_back(JsonKey(feature));
    csv_features_ += ',';
    AppendCsvField("features." + feature, csv_features_);
  }
  list_key_ = JsonKey(schema_.list);
  for (const PredictedPart& part : schema_.predictions) part_keys_.push_back(JsonKey(part.name));
}

void AnswerWriter::Start(const Options& options, std::string& out) {
  options_ = options;
  tells_predictions_ = !schema_.predictions.empty() && options.format == Format::kJson &&
                       options.wrapping == Wrapping::kInstances && !options.with_features &&
                       !options.with_notes;
  line_width_ = members_.size() - (options.with_actuals ? 0 : schema_.actuals.size());
  out_ = &out;
  first_ = true;
  if (options_.format == Format::kCsv) {
    AddCsvHeader();
  } else if (options_.format == Format::kJson) {
    if (options_.wrapping == Wrapping::kInstances) *out_ += "{\"predictions\":";
    if (options_.wrapping != Wrapping::kObject) *out_ += '[';
  }
}

void AnswerWriter::AddRow(std::span<const Value> values, std::span<const Value> features,
                          const Notes& notes) {
  if (schema_.list.empty()) {
    AddLine(values, features, notes);
  } else if (options_.format == Format::kJson) {
    Separate();
    AddJsonList(values, features, notes);
  } else {
    AddLines(values, features, notes);
  }
}

void AnswerWriter::AddLines(std::span<const Value> values, std::span<const Value> features,
                            const Notes& notes) {
  const std::size_t lines = values.size() / line_width_;
  const std::size_t width = features.size() / lines;
  for (std::size_t line = 0; line < lines; ++line) {
    Notes of_line = notes;
    if (!notes.members.empty()) of_line.members = notes.members.subspan(line, 1);
    AddLine(values.subspan(line * line_width_, line_width_), features.subspan(line * width, width),
            of_line);
  }
}

void AnswerWriter::AddLine(std::span<const Value> values, std::span<const Value> features,
                           const Notes& notes) {
  assert(values.size() == line_width_);
  assert(features.size() == (options_.with_features ? schema_.features.size() : 0));
  Separate();
  if (options_.format == Format::kCsv) {
    AddCsvLine(values, features);
  } else if (tells_predictions_) {
    AddPrediction(values);
  } else {
    AddJsonLine(values, features, notes);
  }
}

void AnswerWriter::AddError(std::size_t row, std::string_view code, const Error& error) {
  Separate();
  if (options_.format == Format::kCsv) {
    out_->append(line_width_ + (options_.with_features ? schema_.features.size() : 0), ',');
    const std::string_view before_field = error.field.empty() ? "" : ": ";
    AppendCsvPieces(std::array{code, before_field, std::string_view(error.field),
                               std::string_view(": "), std::string_view(error.message)},
                    *out_);
    *out_ += '\n';
    return;
  }
  *out_ += "{\"error\":{\"code\":";
  AppendJsonString(code, *out_);
  *out_ += ",\"message\":";
  AppendJsonString(error.message, *out_);
  if (!error.field.empty()) {
    *out_ += ",\"field\":";
    AppendJsonString(error.field, *out_);
  }
  *out_ += ",\"row\":";
  AppendNumber(row, *out_);
  *out_ += "}}";
  EndJsonRow();
}

void AnswerWriter::Finish() {
  if (options_.format == Format::kJson) {
    if (options_.wrapping != Wrapping::kObject) *out_ += ']';
    if (options_.wrapping == Wrapping::kInstances) *out_ += '}';
  }
  out_ = nullptr;
}

void AnswerWriter::Separate() {
  if (!first_ && options_.format == Format::kJson) *out_ += ',';
  first_ = false;
}

void AnswerWriter::AppendKey(std::string_view key, bool& is_first) {
  out_->append(key.substr(std::exchange(is_first, false) ? 1 : 0));
}

void AnswerWriter::AppendMembers(std::size_t first, std::span<const Value> values, bool& is_first) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Member& member = members_[first + i];
    if (member.is_optional && preprocessing::IsMissing(values[i])) continue;
    AppendKey(member.key, is_first);
    AppendJsonValue(values[i], *out_);
  }
}

void AnswerWriter::AppendFeatures(std::span<const Value> features, bool& is_first) {
  if (!options_.with_features) return;
  AppendKey(R"(,"features":)", is_first);
  *out_ += '{';
  bool is_first_feature = true;
  for (std::size_t i = 0; i < features.size(); ++i) {
    AppendKey(feature_keys_[i], is_first_feature);
    AppendJsonValue(features[i], *out_);
  }
  *out_ += '}';
}

void AnswerWriter::AppendExtra(std::string_view members, bool& is_first) {
  if (members.empty()) return;
  if (!std::exchange(is_first, false)) *out_ += ',';
  out_->append(members);
}

void AnswerWriter::AppendNotes(const Notes& notes, bool& is_first) {
  AppendNames(R"(,"stale":)", notes.stale, is_first);
  AppendNames(R"(,"flags":)", notes.flags, is_first);
  if (notes.freshness.empty()) return;
  AppendKey(R"(,"freshness":)", is_first);
  out_->append(notes.freshness);
}

void AnswerWriter::AppendNames(std::string_view key, std::span<const std::string_view> names,
                               bool& is_first) {
  if (names.empty()) return;
  AppendKey(key, is_first);
  char before = '[';
  for (const std::string_view name : names) {
    *out_ += before;
    AppendJsonString(name, *out_);
    before = ',';
  }
  *out_ += ']';
}

void AnswerWriter::AddJsonLine(std::span<const Value> values, std::span<const Value> features,
                               const Notes& notes) {
  *out_ += '{';
  bool is_first = true;
  AppendMembers(0, values, is_first);
  AppendFeatures(features, is_first);
  if (!notes.members.empty()) AppendExtra(notes.members.front(), is_first);
  AppendNotes(notes, is_first);
  *out_ += '}';
  EndJsonRow();
}

void AnswerWriter::AddJsonList(std::span<const Value> values, std::span<const Value> features,
                               const Notes& notes) {
  const std::size_t lines = values.size() / line_width_;
  const std::size_t shared = schema_.fields.size();
  const std::size_t width = features.size() / lines;
  *out_ += '{';
  bool is_first = true;
  AppendMembers(0, values.first(shared), is_first);
  AppendKey(list_key_, is_first);
  char before = '[';
  for (std::size_t line = 0; line < lines; ++line) {
    *out_ += std::exchange(before, ',');
    *out_ += '{';
    bool is_first_of_line = true;
    AppendMembers(shared, values.subspan(line * line_width_ + shared, line_width_ - shared),
                  is_first_of_line);
    AppendFeatures(features.subspan(line * width, width), is_first_of_line);
    if (!notes.members.empty()) AppendExtra(notes.members[line], is_first_of_line);
    *out_ += '}';
  }
  *out_ += ']';
  AppendNotes(notes, is_first);
  *out_ += '}';
}

void AnswerWriter::AddPrediction(std::span<const Value> values) {
  if (schema_.predictions.front().name.empty()) return AppendPart(schema_.predictions[0], values);
  *out_ += '{';
  bool is_first = true;
  for (std::size_t i = 0; i < schema_.predictions.size(); ++i) {
    AppendKey(part_keys_[i], is_first);
    AppendPart(schema_.predictions[i], values);
  }
  *out_ += '}';
}

void AnswerWriter::AppendPart(const PredictedPart& part, std::span<const Value> values) {
  const auto append = [&](std::size_t field) {
    const auto* const text = std::get_if<std::string_view>(&values[field]);
    // A version says that its labels are integers; another text would be no JSON.
    if (part.is_integer && text != nullptr && IsInteger(*text)) {
      out_->append(*text);
    } else {
      AppendJsonValue(values[field], *out_);
    }
  };
  if (part.form == PredictedPart::Form::kValue) return append(part.fields.front());
  const bool is_map = part.form == PredictedPart::Form::kMap;
  *out_ += is_map ? '{' : '[';
  for (std::size_t i = 0; i < part.fields.size(); ++i) {
    if (i > 0) *out_ += ',';
    if (is_map) {
      AppendJsonString(part.keys[i], *out_);
      *out_ += ':';
    }
    append(part.fields[i]);
  }
  *out_ += is_map ? '}' : ']';
}

void AnswerWriter::EndJsonRow() {
  if (options_.format == Format::kJsonLines) *out_ += '\n';
}

void AnswerWriter::AddCsvHeader() {
  *out_ += csv_members_;
  if (options_.with_actuals) *out_ += csv_actuals_;
  if (options_.with_features) *out_ += csv_features_;
  if (options_.partial) *out_ += ",error";
  *out_ += '\n';
}

void AnswerWriter::AddCsvLine(std::span<const Value> values, std::span<const Value> features) {
  bool first = true;
  for (const std::span<const Value> part : {values, features}) {
    for (const Value& value : part) {
      if (!first) *out_ += ',';
      first = false;
      AppendCsvValue(value, *out_);
    }
  }
  if (options_.partial) *out_ += ',';  // the error column: none
  *out_ += '\n';
}

}  // namespace forkcast::wire
