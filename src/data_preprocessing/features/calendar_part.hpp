#pragma once

#include <cstdint>

#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

class JsonNode;

/// Parts of a time on a wall in the pipeline's zone.
enum class CalendarPart {
  kHour,        ///< 0..23
  kDayOfWeek,   ///< 1 (Monday) .. 7, as ISO 8601 counts
  kDayOfMonth,  ///< 1..31
  kDayOfYear,   ///< 1..366
  kIsoWeek,     ///< 1..53, the week of ISO 8601
  kMonth,       ///< 1..12
  kQuarter,     ///< 1..4
  kYear,
};

/// The part that `name` names. Throws SpecError that lists all of them.
[[nodiscard]] CalendarPart ReadCalendarPart(const JsonNode& name);

[[nodiscard]] std::int64_t PartOf(CalendarPart part, const CivilTime& civil) noexcept;

}  // namespace forkcast::preprocessing
