#include "data_preprocessing/features/calendar_part.hpp"

#include <cctz/civil_time.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::array<std::pair<std::string_view, CalendarPart>, 8> kParts{{
    {"hour", CalendarPart::kHour},
    {"day_of_week", CalendarPart::kDayOfWeek},
    {"day_of_month", CalendarPart::kDayOfMonth},
    {"day_of_year", CalendarPart::kDayOfYear},
    {"iso_week", CalendarPart::kIsoWeek},
    {"month", CalendarPart::kMonth},
    {"quarter", CalendarPart::kQuarter},
    {"year", CalendarPart::kYear},
}};

int DayOfWeek(cctz::civil_day day) noexcept {
  return static_cast<int>(cctz::get_weekday(day)) + 1;  // cctz counts from monday = 0
}

/// ISO 8601: a week belongs to the year of its Thursday.
int IsoWeek(cctz::civil_day day) noexcept {
  const cctz::civil_day thursday = day + (4 - DayOfWeek(day));
  return (cctz::get_yearday(thursday) - 1) / 7 + 1;
}

}  // namespace

CalendarPart ReadCalendarPart(const JsonNode& name) {
  const std::string chosen = name.String();
  std::string names;
  for (const auto& [known, part] : kParts) {
    if (known == chosen) return part;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  name.Fail("expected one of " + names);
}

std::int64_t PartOf(CalendarPart part, const CivilTime& civil) noexcept {
  const cctz::civil_day day(civil.year, civil.month, civil.day);
  switch (part) {
    case CalendarPart::kHour:
      return civil.hour;
    case CalendarPart::kDayOfWeek:
      return DayOfWeek(day);
    case CalendarPart::kDayOfMonth:
      return civil.day;
    case CalendarPart::kDayOfYear:
      return cctz::get_yearday(day);
    case CalendarPart::kIsoWeek:
      return IsoWeek(day);
    case CalendarPart::kMonth:
      return civil.month;
    case CalendarPart::kQuarter:
      return (civil.month - 1) / 3 + 1;
    case CalendarPart::kYear:
      return civil.year;
  }
  return 0;
}

}  // namespace forkcast::preprocessing
