#include "data_preprocessing/table/time_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::preprocessing {
namespace {

struct Directive {
  char letter = '\0';
  std::string_view part;  ///< Two directives of one part exclude each other.
  std::uint8_t least_digits = 0;
  std::uint8_t most_digits = 0;
};

constexpr std::array<Directive, 13> kDirectives{{{'Y', "year", 4, 4},
                                                 {'y', "year", 2, 2},
                                                 {'m', "month", 1, 2},
                                                 {'b', "month", 0, 0},
                                                 {'B', "month", 0, 0},
                                                 {'d', "day", 1, 2},
                                                 {'H', "hour", 1, 2},
                                                 {'I', "hour", 1, 2},
                                                 {'M', "minute", 1, 2},
                                                 {'S', "second", 1, 2},
                                                 {'f', "fraction", 1, 9},
                                                 {'p', "AM or PM", 0, 0},
                                                 {'z', "offset", 0, 0}}};

/// Each part means nothing without the one before it.
constexpr std::array<std::string_view, 7> kPartsByLength{"year",   "month",  "day",     "hour",
                                                         "minute", "second", "fraction"};

constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};

const Directive* FindDirective(char letter) noexcept {
  const auto* const found = std::ranges::find(kDirectives, letter, &Directive::letter);
  return found == kDirectives.end() ? nullptr : found;
}

/// Takes `least` to `most` digits off the front; `digits` is how many there were.
bool TakeDigits(std::string_view& text, std::size_t least, std::size_t most, int& value,
                std::size_t& digits) noexcept {
  value = 0;
  digits = 0;
  while (digits < most && digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + (text[digits] - '0');
    ++digits;
  }
  text.remove_prefix(digits);
  return digits >= least;
}

/// Takes a name of a month off the front, its first three letters or all of them.
bool TakeMonth(std::string_view& text, int& month) noexcept {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    for (const std::string_view name : {kMonths[i], kMonths[i].substr(0, 3)}) {
      if (!EqualsIgnoringCase(text.substr(0, name.size()), name)) continue;
      text.remove_prefix(name.size());
      month = static_cast<int>(i) + 1;
      return true;
    }
  }
  return false;
}

bool TakeHalf(std::string_view& text, bool& afternoon) noexcept {
  const std::string_view half = text.substr(0, 2);
  afternoon = EqualsIgnoringCase(half, "pm");
  if (!afternoon && !EqualsIgnoringCase(half, "am")) return false;
  text.remove_prefix(2);
  return true;
}

bool TakeOffset(std::string_view& text, std::chrono::minutes& east) noexcept {
  if (text.empty()) return false;
  const char sign = text.front();
  text.remove_prefix(1);
  if (sign == 'Z' || sign == 'z') return true;
  if (sign != '+' && sign != '-') return false;
  int hours = 0;
  int minutes = 0;
  std::size_t digits = 0;
  if (!TakeDigits(text, 2, 2, hours, digits)) return false;
  if (text.starts_with(':')) text.remove_prefix(1);
  if (!TakeDigits(text, 2, 2, minutes, digits)) return false;
  east = std::chrono::minutes((hours * 60 + minutes) * (sign == '-' ? -1 : 1));
  return hours <= 23 && minutes <= 59;
}

int Micros(int fraction, std::size_t digits) noexcept {
  for (; digits < 6; ++digits) fraction *= 10;
  for (; digits > 6; --digits) fraction /= 10;
  return fraction;
}

/// A decimal number of units since 1970; a fraction is cut to microseconds.
std::optional<Instant> ParseEpoch(std::string_view text, std::int64_t micros_a_unit) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  constexpr std::size_t kMostDigits =
      14;  // of milliseconds until the year 9999, and less than 2^63
  std::uint64_t whole = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), whole);
  const auto digits = static_cast<std::size_t>(stop - text.data());
  if (code != std::errc() || digits > kMostDigits) return std::nullopt;
  text.remove_prefix(digits);
  std::int64_t micros = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    int fraction = 0;
    std::size_t fraction_digits = 0;
    if (!TakeDigits(text, 1, 9, fraction, fraction_digits)) return std::nullopt;
    micros = Micros(fraction, fraction_digits) * micros_a_unit / 1'000'000;
  }
  if (!text.empty()) return std::nullopt;
  constexpr Instant kFirst = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
  constexpr Instant kBehind = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
  const auto most = static_cast<std::uint64_t>(kBehind.time_since_epoch().count() / micros_a_unit);
  if (whole > most) return std::nullopt;
  micros += static_cast<std::int64_t>(whole) * micros_a_unit;
  const Instant instant = FromMicros(negative ? -micros : micros);
  if (instant < kFirst || instant >= kBehind) return std::nullopt;
  return instant;
}

}  // namespace

struct TimeFormat::Reading {
  CivilTime civil;
  bool afternoon = false;
  std::optional<std::chrono::minutes> east;

  /// What the digits of a directive say; false when they cannot.
  bool TakeNumber(char directive, int number, std::size_t digits) noexcept;
  /// What is no number, off the front of `text`.
  bool TakeWord(char directive, std::string_view& text) noexcept;
};

Error TimeFormat::Refused(std::string_view why) const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} in the format \"{}\": expected one such as %d/%m/%Y or %Y-%m-%d %H:%M, "
                      "epoch_s or epoch_ms",
                      why, text_)};
}

Result<TimeFormat> TimeFormat::Make(std::string_view format) {
  TimeFormat made;
  made.text_ = format;
  if (format == "epoch_s" || format == "epoch_ms") {
    made.kind_ = format == "epoch_s" ? Kind::kEpochSeconds : Kind::kEpochMillis;
    return made;
  }
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      made.pieces_.push_back({.literal = format[i]});
      continue;
    }
    if (++i == format.size()) return made.Refused("there is nothing behind the last %");
    const Status added = made.AddDirective(format[i]);
    if (!added) return added.error();
  }
  const Status whole = made.CheckParts();
  if (!whole) return whole.error();
  // Without a mark between them, only a fixed number of digits tells where one part ends.
  for (std::size_t i = 0; i + 1 < made.pieces_.size(); ++i) {
    Piece& piece = made.pieces_[i];
    const Piece& next = made.pieces_[i + 1];
    const bool digits_follow = next.most_digits > 0 || (next.literal >= '0' && next.literal <= '9');
    if (!digits_follow || piece.most_digits == 0) continue;
    if (piece.directive == 'f') return made.Refused("digits follow %f at once");
    piece.least_digits = piece.most_digits;
  }
  return made;
}

Status TimeFormat::AddDirective(char letter) {
  if (letter == '%') {
    pieces_.push_back({.literal = '%'});
    return {};
  }
  for (const auto& [shorthand, meaning] :
       {std::pair('F', std::string_view("Y-m-d")), std::pair('T', std::string_view("H:M:S"))}) {
    if (letter != shorthand) continue;
    for (std::size_t i = 0; i < meaning.size(); ++i) {
      if (i % 2 == 1) {
        pieces_.push_back({.literal = meaning[i]});
        continue;
      }
      Status added = AddDirective(meaning[i]);
      if (!added) return added;
    }
    return {};
  }
  const Directive* const directive = FindDirective(letter);
  if (directive == nullptr) return Refused(fmt::format("%{} is not known", letter));
  for (const Piece& piece : pieces_) {
    if (piece.directive == '\0') continue;
    if (FindDirective(piece.directive)->part == directive->part) {
      return Refused(fmt::format("the {} is given twice", directive->part));
    }
  }
  pieces_.push_back({.directive = letter,
                     .least_digits = directive->least_digits,
                     .most_digits = directive->most_digits});
  return {};
}

Status TimeFormat::CheckParts() const {
  const auto has_part = [this](std::string_view part) {
    return std::ranges::any_of(pieces_, [part](const Piece& piece) {
      return piece.directive != '\0' && FindDirective(piece.directive)->part == part;
    });
  };
  const auto has = [this](char letter) {
    return std::ranges::find(pieces_, letter, &Piece::directive) != pieces_.end();
  };
  if (!has_part("year")) return Refused("there is no year (%Y)");
  for (std::size_t i = 1; i < kPartsByLength.size(); ++i) {
    if (has_part(kPartsByLength[i]) && !has_part(kPartsByLength[i - 1])) {
      return Refused(
          fmt::format("there is a {} without a {}", kPartsByLength[i], kPartsByLength[i - 1]));
    }
  }
  if (has('I') != has('p')) return Refused("%I (1 to 12) and %p (AM or PM) need each other");
  if (has('z') && !has_part("hour")) return Refused("there is an offset (%z) without an hour");
  return {};
}

bool TimeFormat::Reading::TakeNumber(char directive, int number, std::size_t digits) noexcept {
  switch (directive) {
    case 'Y':
      civil.year = number;
      return true;
    case 'y':
      civil.year = number + (number >= 69 ? 1900 : 2000);
      return true;
    case 'm':
      civil.month = number;
      return true;
    case 'd':
      civil.day = number;
      return true;
    case 'I':
      civil.hour = number % 12;
      return number >= 1 && number <= 12;
    case 'H':
      civil.hour = number;
      return true;
    case 'M':
      civil.minute = number;
      return true;
    case 'S':
      civil.second = number;
      return true;
    default:
      civil.micros = Micros(number, digits);
      return true;
  }
}

bool TimeFormat::Reading::TakeWord(char directive, std::string_view& text) noexcept {
  if (directive == 'p') return TakeHalf(text, afternoon);
  if (directive == 'z') return TakeOffset(text, east.emplace());
  return TakeMonth(text, civil.month);
}

bool TimeFormat::Scan(std::string_view text, Reading& reading) const noexcept {
  for (const Piece& piece : pieces_) {
    if (piece.directive == '\0') {
      if (!text.starts_with(piece.literal)) return false;
      text.remove_prefix(1);
    } else if (piece.most_digits == 0) {
      if (!reading.TakeWord(piece.directive, text)) return false;
    } else {
      int number = 0;
      std::size_t digits = 0;
      if (!TakeDigits(text, piece.least_digits, piece.most_digits, number, digits) ||
          !reading.TakeNumber(piece.directive, number, digits)) {
        return false;
      }
    }
  }
  if (reading.afternoon) reading.civil.hour += 12;
  return text.empty() && IsDate(reading.civil) && IsTimeOfDay(reading.civil);
}

Result<Instant> TimeFormat::Parse(std::string_view text, const TimeZone& zone) const {
  if (kind_ != Kind::kCalendar) {
    const auto instant = ParseEpoch(text, kind_ == Kind::kEpochSeconds ? 1'000'000 : 1'000);
    if (instant) return *instant;
  } else {
    Reading reading;
    if (Scan(text, reading)) {
      if (reading.east) return FromUtcCivil(reading.civil) - *reading.east;
      return zone.ToInstant(reading.civil);
    }
  }
  constexpr std::size_t kShown = 64;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("expected a time written as {}, got \"{}{}\"", text_,
                           text.substr(0, kShown), text.size() > kShown ? "..." : "")};
}

namespace {

/// Whether all `texts` are whole numbers within `least` to `most`: as an epoch any number will do,
/// which says nothing.
bool AreWithin(const std::vector<std::string_view>& texts, double least, double most) {
  return std::ranges::all_of(texts, [&](std::string_view text) {
    double number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc() && stop == text.data() + text.size() && number >= least &&
           number <= most;
  });
}

bool ReadsAll(std::string_view text, const std::vector<std::string_view>& texts) {
  const Result<TimeFormat> format = TimeFormat::Make(text);
  return std::ranges::all_of(
      texts, [&format](std::string_view one) { return format->Parse(one, TimeZone()).ok(); });
}

}  // namespace

std::vector<std::string> TimeFormatsOf(const std::vector<std::string_view>& texts) {
  constexpr std::array<std::string_view, 16> kDates{
      "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d",  "%Y.%m.%d", "%Y%m%d",
      "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%Y-%m",    "%m/%Y"};
  constexpr std::array<std::string_view, 6> kHours{"",          " %H:%M",    " %H:%M:%S",
                                                   "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p"};
  std::vector<std::string> formats;
  if (texts.empty()) return formats;
  for (const std::string_view date : kDates) {
    for (const std::string_view hours : kHours) {
      std::string format = fmt::format("{}{}", date, hours);
      const bool whole = hours.empty() || date.find("%d") != std::string_view::npos;
      if (whole && ReadsAll(format, texts)) formats.push_back(std::move(format));
    }
  }
  constexpr double kYear2000 = 946'684'800;
  constexpr double kYear2100 = 4'102'444'800;
  if (AreWithin(texts, kYear2000, kYear2100)) formats.emplace_back("epoch_s");
  if (AreWithin(texts, kYear2000 * 1000, kYear2100 * 1000)) formats.emplace_back("epoch_ms");
  return formats;
}

}  // namespace forkcast::preprocessing
