#include "data_preprocessing/table/time_pattern.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kParts = 6;
constexpr std::array<std::string_view, kParts> kWords{"YYYY", "MM", "DD", "HH", "MM", "SS"};

/// Takes `width` digits off the front.
bool TakeWidth(std::string_view& text, std::size_t width, int& value) noexcept {
  if (text.size() < width) return false;
  value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return true;
}

void AppendDigits(std::int64_t value, std::size_t width, std::string& out) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

}  // namespace

TimePattern::Part TimePattern::PartAt(std::string_view rest, bool behind_hour) noexcept {
  for (std::size_t i = 0; i < kParts; ++i) {
    const auto part = static_cast<Part>(i);
    if (part == Part::kMonth && behind_hour) continue;
    if (rest.starts_with(kWords[i])) return part;
  }
  return Part::kLiteral;
}

Result<TimePattern> TimePattern::Make(std::string_view pattern) {
  const auto refuse = [pattern](std::string_view why) {
    return Error{ErrorCode::kInvalidArgument,
                 std::string(why)
                     .append(" in the format \"")
                     .append(pattern)
                     .append("\": expected one such as YYYY-MM or YYYY-MM-DDTHH:MM:SSZ")};
  };
  TimePattern made;
  made.text_ = pattern;
  std::array<bool, kParts> given{};
  for (std::string_view rest = pattern; !rest.empty();) {
    const Part part = PartAt(rest, given[static_cast<std::size_t>(Part::kHour)]);
    if (part == Part::kLiteral) {
      made.pieces_.push_back({.literal = rest.front()});
      rest.remove_prefix(1);
      continue;
    }
    const auto index = static_cast<std::size_t>(part);
    if (given[index]) return refuse(std::string(kWords[index]) + " is given twice");
    given[index] = true;
    made.pieces_.push_back({.part = part});
    rest.remove_prefix(kWords[index].size());
  }
  if (!given[0]) return refuse("there is no YYYY");
  for (std::size_t i = 1; i < kParts; ++i) {
    if (given[i] && !given[i - 1]) {
      return refuse("there is " + std::string(kWords[i]) + " without " +
                    std::string(kWords[i - 1]));
    }
  }
  made.utc_ = pattern.ends_with('Z');
  made.is_date_ = !given[static_cast<std::size_t>(Part::kHour)];
  return made;
}

bool TimePattern::Scan(std::string_view text, CivilTime& civil) const noexcept {
  std::array<int, kParts> values{1970, 1, 1, 0, 0, 0};
  for (const Piece& piece : pieces_) {
    if (piece.part == Part::kLiteral) {
      if (!text.starts_with(piece.literal)) return false;
      text.remove_prefix(1);
    } else {
      const auto index = static_cast<std::size_t>(piece.part);
      if (!TakeWidth(text, kWords[index].size(), values[index])) return false;
    }
  }
  civil = {.year = values[0],
           .month = values[1],
           .day = values[2],
           .hour = values[3],
           .minute = values[4],
           .second = values[5]};
  return text.empty() && IsDate(civil) && IsTimeOfDay(civil);
}

Result<Instant> TimePattern::Parse(std::string_view text, const TimeZone& zone) const {
  constexpr std::size_t kShown = 64;
  CivilTime civil;
  if (!Scan(text, civil)) {
    std::string message = "expected a time such as " + text_ + ", got \"";
    message.append(text.substr(0, kShown)).append(text.size() > kShown ? "...\"" : "\"");
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  }
  const Instant in_utc = FromUtcCivil(civil);
  if (utc_) return in_utc;
  if (is_date_) return zone.MidnightOf(std::chrono::floor<std::chrono::days>(in_utc));
  return zone.ToInstant(civil);
}

void TimePattern::Append(Instant instant, const TimeZone& zone, std::string& out) const {
  const CivilTime civil = (utc_ ? TimeZone() : zone).ToCivil(instant);
  const std::array<std::int64_t, kParts> values{civil.year, civil.month,  civil.day,
                                                civil.hour, civil.minute, civil.second};
  for (const Piece& piece : pieces_) {
    if (piece.part == Part::kLiteral) {
      out += piece.literal;
    } else {
      const auto index = static_cast<std::size_t>(piece.part);
      AppendDigits(values[index], kWords[index].size(), out);
    }
  }
}

}  // namespace forkcast::preprocessing
