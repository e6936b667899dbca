#include "data_preprocessing/series/period.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::array<std::pair<std::string_view, Period>, 3> kNames{
    {{"day", Period::kDay}, {"week", Period::kWeek}, {"month", Period::kMonth}}};

constexpr days kFirstMonday{-3};  // 1970-01-01 was a Thursday
constexpr int kDaysOfWeek = 7;
constexpr int kMonthsOfYear = 12;

constexpr std::int64_t FloorDivide(std::int64_t number, std::int64_t by) noexcept {
  return number >= 0 ? number / by : -((by - 1 - number) / by);
}

}  // namespace

std::string_view ToString(Period period) noexcept {
  return kNames[static_cast<std::size_t>(period)].first;
}

std::optional<Period> PeriodFromString(std::string_view name) noexcept {
  for (const auto& [known, period] : kNames) {
    if (known == name) return period;
  }
  return std::nullopt;
}

sys_days DayOf(const CivilTime& civil) noexcept {
  return std::chrono::year(static_cast<int>(civil.year)) /
         std::chrono::month(static_cast<unsigned>(civil.month)) /
         std::chrono::day(static_cast<unsigned>(civil.day));
}

PeriodIndex PeriodOf(sys_days day, Period period) noexcept {
  const days since = day.time_since_epoch();
  switch (period) {
    case Period::kDay:
      return since.count();
    case Period::kWeek:
      return FloorDivide((since - kFirstMonday).count(), kDaysOfWeek);
    case Period::kMonth: {
      const std::chrono::year_month_day date(day);
      return (static_cast<int>(date.year()) - 1970) * PeriodIndex{kMonthsOfYear} +
             static_cast<unsigned>(date.month()) - 1;
    }
  }
  return 0;
}

PeriodIndex PeriodOf(Instant instant, Period period, const TimeZone& zone) {
  return PeriodOf(DayOf(zone.ToCivil(instant)), period);
}

sys_days FirstDayOf(PeriodIndex index, Period period) noexcept {
  switch (period) {
    case Period::kDay:
      return sys_days(days(index));
    case Period::kWeek:
      return sys_days(kFirstMonday + days(index * kDaysOfWeek));
    case Period::kMonth: {
      const std::int64_t years = FloorDivide(index, kMonthsOfYear);
      return std::chrono::year(static_cast<int>(1970 + years)) /
             std::chrono::month(static_cast<unsigned>(index - years * kMonthsOfYear + 1)) / 1;
    }
  }
  return {};
}

void AppendPeriodText(PeriodIndex index, Period period, std::string& text) {
  const std::chrono::year_month_day day(FirstDayOf(index, period));
  fmt::format_to(std::back_inserter(text), "{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                 static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

Instant StartOf(PeriodIndex index, Period period, const TimeZone& zone) {
  return zone.StartOfDay(FirstDayOf(index, period));
}

}  // namespace forkcast::preprocessing
