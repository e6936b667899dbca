#include "data_preprocessing/series/period.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

enum class Kind { kDays, kMonths, kMinutes };

/// A period is so many days or months of the calendar, counted from a first one that holds
/// 1970-01-01 or begins with it; or so many minutes from the beginning of that day in UTC.
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
    {.name = "hour", .kind = Kind::kMinutes, .length = 60},
    {.name = "half_hour", .kind = Kind::kMinutes, .length = 30},
    {.name = "quarter_hour", .kind = Kind::kMinutes, .length = 15},
}};

constexpr std::array<std::pair<std::string_view, Period>, 7> kNames{
    {{"hour", Period::kHour},
     {"half_hour", Period::kHalfHour},
     {"quarter_hour", Period::kQuarterHour},
     {"day", Period::kDay},
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
constexpr int kDaysOfWeek = 7;
constexpr int kMinutesOfDay = 24 * 60;

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
  switch (shape.kind) {
    case Kind::kDays:
      return (kDaysOfYear + shape.length - 1) / shape.length;
    case Kind::kMonths:
      return kMonthsOfYear / shape.length;
    case Kind::kMinutes:
      return kDaysOfYear * PeriodsOfDay(period);
  }
  return 0;
}

std::int64_t PeriodsOfWeek(Period period) noexcept {
  return IsLongerThanADay(period) ? 1 : kDaysOfWeek * PeriodsOfDay(period);
}

std::int64_t PeriodsOfDay(Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  return shape.kind == Kind::kMinutes ? kMinutesOfDay / shape.length : 1;
}

bool IsLongerThanADay(Period period) noexcept {
  return ShapeOf(period).kind != Kind::kMinutes && period != Period::kDay;
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
  if (shape.kind == Kind::kMinutes) {
    return std::int64_t{day.time_since_epoch().count()} * kMinutesOfDay / shape.length;
  }
  const std::chrono::year_month_day date(day);
  const std::int64_t month = (static_cast<int>(date.year()) - 1970) * std::int64_t{kMonthsOfYear} +
                             static_cast<unsigned>(date.month()) - 1;
  return FloorDivide(month, shape.length);
}

PeriodIndex PeriodOf(Instant instant, const CivilTime& civil, Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  if (shape.kind != Kind::kMinutes) return PeriodOf(DayOf(civil), period);
  const auto minute = std::chrono::floor<std::chrono::minutes>(instant).time_since_epoch().count();
  return FloorDivide(minute, shape.length);
}

PeriodIndex PeriodOf(Instant instant, Period period, const TimeZone& zone) {
  return PeriodOf(instant, zone.ToCivil(instant), period);
}

sys_days FirstDayOf(PeriodIndex index, Period period) noexcept {
  const Shape& shape = ShapeOf(period);
  if (shape.kind == Kind::kDays) {
    return sys_days(days(shape.first_day + index * shape.length));
  }
  if (shape.kind == Kind::kMinutes) {
    return sys_days(days(FloorDivide(index * shape.length, kMinutesOfDay)));
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
  if (ShapeOf(period).kind == Kind::kMinutes) {
    return AppendIsoTimestamp(StartOf(index, period, TimeZone()), text);
  }
  text += DateText(FirstDayOf(index, period));
}

Instant StartOf(PeriodIndex index, Period period, const TimeZone& zone) {
  const Shape& shape = ShapeOf(period);
  if (shape.kind == Kind::kMinutes) return Instant(std::chrono::minutes(index * shape.length));
  return zone.StartOfDay(FirstDayOf(index, period));
}

}  // namespace forkcast::preprocessing
