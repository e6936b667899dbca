#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// The step of a regular grid of time: calendar days, weeks from one of the days of the week (of
/// ISO 8601: from Monday), months, quarters from January, April, July and October; and parts of an
/// hour, which are counted in UTC, so that they are of one length whatever clocks show.
enum class Period {
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kWeekFromTuesday,
  kWeekFromWednesday,
  kWeekFromThursday,
  kWeekFromFriday,
  kWeekFromSaturday,
  kWeekFromSunday,
  kHour,
  kHalfHour,
  kQuarterHour,
};
inline constexpr std::size_t kPeriodKinds = 13;

/// "hour", "half_hour", "quarter_hour", "day", "week" (on whatever day it begins), "month",
/// "quarter": the names that pipeline files use.
[[nodiscard]] std::string_view ToString(Period period) noexcept;
[[nodiscard]] std::optional<Period> PeriodFromString(std::string_view name) noexcept;
/// The week that begins on a day of that English name, "monday" to "sunday".
[[nodiscard]] std::optional<Period> WeekStarting(std::string_view day) noexcept;
/// The name of the day on which the week `period` begins; empty for what is no week.
[[nodiscard]] std::string_view StartOfWeek(Period period) noexcept;
/// How many periods a year has, rounded up.
[[nodiscard]] std::int64_t PeriodsOfYear(Period period) noexcept;
/// How many periods a week, or a day of 24 hours, has; 1 where they are longer.
[[nodiscard]] std::int64_t PeriodsOfWeek(Period period) noexcept;
[[nodiscard]] std::int64_t PeriodsOfDay(Period period) noexcept;
/// Whether it has several days, of which some may have no data yet.
[[nodiscard]] bool IsLongerThanADay(Period period) noexcept;

/// Number of a period of one kind, counted through: 0 is the one that holds 1970-01-01 (of UTC its
/// beginning). Days and what is longer are those of the calendar, so that the number says nothing
/// of zones, and a day of 23 hours counts as any other.
using PeriodIndex = std::int64_t;

[[nodiscard]] std::chrono::sys_days DayOf(const CivilTime& civil) noexcept;
/// The period that holds a calendar day; of what is shorter, the first of that day in UTC.
[[nodiscard]] PeriodIndex PeriodOf(std::chrono::sys_days day, Period period) noexcept;
/// The period of an instant that a wall shows as `civil`.
[[nodiscard]] PeriodIndex PeriodOf(Instant instant, const CivilTime& civil, Period period) noexcept;
/// The period shown by a wall in `zone` at `instant`.
[[nodiscard]] PeriodIndex PeriodOf(Instant instant, Period period, const TimeZone& zone);
/// The first calendar day of a period; of what is shorter, the day in UTC that it lies in.
[[nodiscard]] std::chrono::sys_days FirstDayOf(PeriodIndex index, Period period) noexcept;
/// "2024-03-31".
[[nodiscard]] std::string DateText(std::chrono::sys_days day);
/// Appends a period as people read it: its first calendar day, "2024-03-31", or, of what is
/// shorter, when it begins, "2024-03-31T05:00:00Z".
void AppendPeriodText(PeriodIndex index, Period period, std::string& text);
/// The instant at which a period begins in `zone`, which is when the one before it has ended.
[[nodiscard]] Instant StartOf(PeriodIndex index, Period period, const TimeZone& zone);

}  // namespace forkcast::preprocessing
