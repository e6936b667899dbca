#include "data_preprocessing/series/period.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

enum class Kind { kDays, kMonths };

/// A period is so many days or months of the calendar, counted from a first one that holds
/// 1970-01-01 or begins with it.
struct Shape {
  std::string_view name;
  Kind kind = Kind::kDays;
  int length = 1;
  int first_day = 0;  ///< Days from 1970-01-01, a Thursday, to the first day of period 0.
};

/// By Period.
constexpr std::array<Shape, kPeriodKinds> kShapes{{
    {.name = "day"},
    {.name = "week", .length = 7, .first_day = -3},
    {.name = "month", .kind = Kind::kMonths},
    {.name = "quarter", .kind = Kind::kMonths, .length = 3},
    {.name = "week", .length = 7, .first_day = -2},
    {.name = "week", .length = 7, .first_day = -1},
    {.name = "week", .length = 7, .first_day = 0},
    {.name = "week", .length = 7, .first_day = -6},
    {.name = "week", .length = 7, .first_day = -5},
    {.name = "week", .length = 7, .first_day = -4},
}};

constexpr std::array<std::pair<std::string_view, Period>, 4> kNames{
    {{"day", Period::kDay},
     {"week", Period::kWeek},
     {"month", Period::kMonth},
     {"quarter", Period::kQuarter}}};

constexpr std::array<std::pair<std::string_view, Period>, 7> kWeeks{
    {{"monday", Period::kWeek},
     {"tuesday", Period::kWeekFromTuesday},
     {"wednesday", Period::kWeekFromWednesday},
     {"thursday", Period::kWeekFromThursday},
     {"friday", Period::kWeekFromFriday},
     {"saturday", Period::kWeekFromSaturday},
     {"sunday", Period::kWeekFromSunday}}};

constexpr int kMonthsOfYear = 12;
constexpr int kDaysOfYear = 366;

constexpr const Shape& ShapeOf(Period period) noexcept {
  return kShapes[static_cast<std::size_t>(period)];
}

template <std::size_t N>
std::optional<Period> Named(const std::array<std::pair<std::string_view, Period>, N>& names,
                            std::string_view name) noexcept {
  for (const auto& [known, period] : names) {
    if (known == name) return period;
  }
  return std::nullopt;
}

constexpr std::int64_t FloorDivide(std::int64_t number, std::int64_t by) noexcept {
  return number >= 0 ? number / by : -((by - 1 - number) / by);
}

}  // namespace

std::string_view ToString(Period period) noexcept { return ShapeOf(period).name; }

std::optional<Period> PeriodFromString(std::string_view name) noexcept {
  return Named(kNames, name);
}

std::optional<Period> WeekStarting(std::string_view day) noexcept { return Named(kWeeks, day); }

std::string_view StartOfWeek(Period period) noexcept {
  for (const auto& [day, week] : kWeeks) {
    if (week == period) return day;
  }
  return {};
}

std::int64_t PeriodsOfYear(Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  const int year = shape.kind == Kind::kDays ? kDaysOfYear : kMonthsOfYear;
  return (year + shape.length - 1) / shape.length;
}

sys_days DayOf(const CivilTime& civil) noexcept {
  return std::chrono::year(static_cast<int>(civil.year)) /
         std::chrono::month(static_cast<unsigned>(civil.month)) /
         std::chrono::day(static_cast<unsigned>(civil.day));
}

PeriodIndex PeriodOf(sys_days day, Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  if (shape.kind == Kind::kDays) {
    return FloorDivide(day.time_since_epoch().count() - shape.first_day, shape.length);
  }
  const std::chrono::year_month_day date(day);
  const std::int64_t month = (static_cast<int>(date.year()) - 1970) * std::int64_t{kMonthsOfYear} +
                             static_cast<unsigned>(date.month()) - 1;
  return FloorDivide(month, shape.length);
}

PeriodIndex PeriodOf(Instant instant, Period period, const TimeZone& zone) {
  return PeriodOf(DayOf(zone.ToCivil(instant)), period);
}

sys_days FirstDayOf(PeriodIndex index, Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  if (shape.kind == Kind::kDays) {
    return sys_days(days(shape.first_day + index * shape.length));
  }
  const std::int64_t month = index * shape.length;
  const std::int64_t years = FloorDivide(month, kMonthsOfYear);
  return std::chrono::year(static_cast<int>(1970 + years)) /
         std::chrono::month(static_cast<unsigned>(month - years * kMonthsOfYear + 1)) / 1;
}

std::string DateText(sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

void AppendPeriodText(PeriodIndex index, Period period, std::string& text) {
  text += DateText(FirstDayOf(index, period));
}

Instant StartOf(PeriodIndex index, Period period, const TimeZone& zone) {
  return zone.StartOfDay(FirstDayOf(index, period));
}

}  // namespace forkcast::preprocessing
