#include "model/learn/data_window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ParseTimestamp;
using preprocessing::TimeZone;

Error BadFlag(std::string_view flag, const std::string& value, std::string_view expected) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("--{}: expected {}, got \"{}\"", flag, expected, value), std::string(flag)};
}

}  // namespace

Result<Instant> ParseWindowTime(std::string_view flag, const std::string& text,
                                const TimeZone& zone) {
  const Result<Instant> instant = ParseTimestamp(text, zone);
  if (!instant) return BadFlag(flag, text, "a date or timestamp");
  return *instant;
}

Result<std::chrono::sys_days> DaysBefore(std::chrono::sys_days day, const std::string& span) {
  int count = 0;
  const auto [end, failed] = std::from_chars(span.data(), span.data() + span.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(span.data() + span.size() - end));
  constexpr int kMost = 100'000;
  if (failed == std::errc() && count > 0 && count < kMost) {
    if (unit == "d") return day - std::chrono::days(count);
    if (unit == "w") return day - std::chrono::weeks(count);
    if (unit == "mo") {
      const std::chrono::year_month_day date(day);
      const auto month = date.year() / date.month() - std::chrono::months(count);
      const auto last = month / std::chrono::last;
      return std::chrono::sys_days(month / std::min(date.day(), last.day()));
    }
  }
  return BadFlag("last", span, "a number of days, weeks or months, such as 120d, 17w or 4mo");
}

}  // namespace forkcast::model
