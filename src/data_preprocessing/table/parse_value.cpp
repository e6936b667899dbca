#include "data_preprocessing/table/parse_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace forkcast::preprocessing {
namespace {

/// Takes fixed-width decimal fields and single characters off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }

  bool Take(char expected) noexcept {
    if (peek() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Take(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  /// Exactly `width` digits.
  bool Digits(std::size_t width, int& value) noexcept {
    if (rest_.size() < width) return false;
    value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const char c = rest_[i];
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return true;
  }
  /// One to nine digits of a fraction, as microseconds; digits beyond the sixth are cut off.
  bool Fraction(int& micros) noexcept {
    micros = 0;
    int digits = 0;
    while (peek() >= '0' && peek() <= '9') {
      if (++digits > 9) return false;
      if (digits <= 6) micros = micros * 10 + (peek() - '0');
      rest_.remove_prefix(1);
    }
    for (int i = digits; i < 6; ++i) micros *= 10;
    return digits > 0;
  }

 private:
  std::string_view rest_;
};

struct Offset {
  bool given = false;
  std::chrono::minutes east{0};
};

/// `Z`, `UTC` or an offset, or nothing. A blank in front of it is pandas' and PostgreSQL's.
bool ScanOffset(Scanner& scan, Offset& offset) noexcept {
  const bool has_blank = scan.Take(' ');
  if (scan.Take('Z') || scan.Take('z') || scan.Take("UTC")) {
    offset.given = true;
    return true;
  }
  const char sign = scan.peek();
  if (sign != '+' && sign != '-') return !has_blank;
  scan.Take(sign);
  int hours = 0;
  int minutes = 0;
  if (!scan.Digits(2, hours)) return false;
  const bool colon = scan.Take(':');
  if ((colon || !scan.done()) && !scan.Digits(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  offset.given = true;
  offset.east = std::chrono::minutes((hours * 60 + minutes) * (sign == '-' ? -1 : 1));
  return true;
}

/// `HH:MM`, `HH:MM:SS` or that with a fraction.
bool ScanTimeOfDay(Scanner& scan, CivilTime& civil) noexcept {
  if (!scan.Digits(2, civil.hour) || !scan.Take(':') || !scan.Digits(2, civil.minute)) return false;
  if (scan.Take(':')) {
    if (!scan.Digits(2, civil.second)) return false;
    if (scan.Take('.') && !scan.Fraction(civil.micros)) return false;
  }
  return IsTimeOfDay(civil);
}

/// `is_date`: whether it is a date alone.
bool ScanTimestamp(std::string_view text, CivilTime& civil, Offset& offset,
                   bool& is_date) noexcept {
  Scanner scan(text);
  int year = 0;
  if (!scan.Digits(4, year) || !scan.Take('-') || !scan.Digits(2, civil.month) || !scan.Take('-') ||
      !scan.Digits(2, civil.day)) {
    return false;
  }
  civil.year = year;
  if (!IsDate(civil)) return false;
  is_date = scan.done();
  if (is_date) return true;
  if (!scan.Take(' ') && !scan.Take('T') && !scan.Take('t')) return false;
  return ScanTimeOfDay(scan, civil) && ScanOffset(scan, offset) && scan.done();
}

Error NotA(std::string_view what, std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string message = "expected ";
  message.append(what).append(", got \"").append(text.substr(0, kShown));
  message += text.size() > kShown ? "...\"" : "\"";
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

template <typename T>
bool ParseWhole(std::string_view text, T& value) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  return code == std::errc() && stop == end;
}

}  // namespace

Result<Instant> ParseTimestamp(std::string_view text, const TimeZone& zone) {
  CivilTime civil;
  Offset offset;
  bool is_date = false;
  if (!ScanTimestamp(text, civil, offset, is_date)) {
    return NotA("a timestamp (" + std::string(kTimestampForms) + ")", text);
  }
  if (offset.given) return FromUtcCivil(civil) - offset.east;
  if (is_date) return zone.MidnightOf(std::chrono::floor<std::chrono::days>(FromUtcCivil(civil)));
  return zone.ToInstant(civil);
}

void AppendIsoTimestamp(Instant instant, std::string& out) {
  const CivilTime t = TimeZone().ToCivil(instant);
  std::array<char, 48> text{};
  int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d",
                             static_cast<int>(t.year), t.month, t.day, t.hour, t.minute, t.second);
  out.append(text.data(), static_cast<std::size_t>(length));
  if (t.micros != 0) {
    length = std::snprintf(text.data(), text.size(), ".%06d", t.micros);
    out.append(text.data(), static_cast<std::size_t>(length));
  }
  out += 'Z';
}

std::string IsoTimestamp(Instant instant) {
  std::string text;
  AppendIsoTimestamp(instant, text);
  return text;
}

Result<std::int64_t> ParseInt64(std::string_view text) {
  std::int64_t value = 0;
  if (!ParseWhole(text, value)) return NotA("an integer of 64 bits", text);
  return value;
}

Result<double> ParseDouble(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  const bool whole = stop == end && !text.empty();
  if (whole && code == std::errc() && std::isfinite(value)) return value;
  // Too large, or so small that it is 0; from_chars() does not tell which.
  if (whole && code == std::errc::result_out_of_range) {
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isfinite(value)) return value;
  }
  return NotA("a finite number", text);
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE" || text == "1") return true;
  if (text == "false" || text == "False" || text == "FALSE" || text == "0") return false;
  return NotA("true or false", text);
}

namespace {

Result<bool> ParseWord(std::string_view text, const ColumnFormat& format) {
  const auto is_in = [text](const std::vector<std::string>& words) {
    return std::ranges::find(words, text) != words.end();
  };
  if (is_in(format.true_words)) return true;
  if (is_in(format.false_words)) return false;
  return NotA(fmt::format("one of {}, {}", fmt::join(format.true_words, ", "),
                          fmt::join(format.false_words, ", ")),
              text);
}

}  // namespace

Status AppendParsed(std::string_view text, const TimeZone& zone, Column& column) {
  switch (column.type()) {
    case ColumnType::kText:
      column.AppendText(text);
      return {};
    case ColumnType::kInt64: {
      const Result<std::int64_t> value = ParseInt64(text);
      if (!value) return value.error();
      column.AppendInt64(*value);
      return {};
    }
    case ColumnType::kDouble: {
      const Result<double> value = ParseDouble(text);
      if (!value) return value.error();
      column.AppendDouble(*value);
      return {};
    }
    case ColumnType::kBool: {
      const Result<bool> value = ParseBool(text);
      if (!value) return value.error();
      column.AppendBool(*value);
      return {};
    }
    case ColumnType::kTimestamp: {
      const Result<Instant> value = ParseTimestamp(text, zone);
      if (!value) return value.error();
      column.AppendTimestamp(*value);
      return {};
    }
  }
  return Error{ErrorCode::kInternal, "unknown column type"};
}

Status AppendParsed(std::string_view text, const ColumnFormat& format, const TimeZone& zone,
                    Column& column) {
  if (format.time) {
    const Result<Instant> value = format.time->Parse(text, zone);
    if (!value) return value.error();
    column.AppendTimestamp(*value);
    return {};
  }
  if (!format.true_words.empty()) {
    const Result<bool> value = ParseWord(text, format);
    if (!value) return value.error();
    column.AppendBool(*value);
    return {};
  }
  return AppendParsed(text, zone, column);
}

}  // namespace forkcast::preprocessing
