#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace forkcast::bench {

/// "2024-02-05".
[[nodiscard]] inline std::string DateText(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

/// "2024-02-05 15:32:24".
[[nodiscard]] inline std::string TimestampText(std::chrono::sys_seconds instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::hh_mm_ss clock(instant - day);
  return fmt::format("{} {:02}:{:02}:{:02}", DateText(day), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace forkcast::bench
