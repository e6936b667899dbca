#include "client/moved_dates.hpp"

#include <fmt/format.h>

#include <charconv>

namespace forkcast::client {
namespace {

constexpr std::size_t kDateCharacters = 10;

std::optional<int> NumberAt(std::string_view text, std::size_t at, std::size_t size) {
  const std::string_view digits = text.substr(at, size);
  int number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc() || end != digits.data() + digits.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::optional<std::chrono::sys_days> DateOf(std::string_view time) {
  if (time.size() < kDateCharacters || time[4] != '-' || time[7] != '-') return std::nullopt;
  const std::optional<int> year = NumberAt(time, 0, 4);
  const std::optional<int> month = NumberAt(time, 5, 2);
  const std::optional<int> day = NumberAt(time, 8, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::string Moved(std::string_view time, std::chrono::days by) {
  const std::chrono::year_month_day date(*DateOf(time) + by);
  return fmt::format("{:04}-{:02}-{:02}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.substr(kDateCharacters));
}

}  // namespace forkcast::client
