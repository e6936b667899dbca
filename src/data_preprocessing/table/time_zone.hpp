#pragma once

#include <cctz/time_zone.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// A calendar time on some wall, without a zone.
struct CivilTime {
  std::int64_t year = 1970;
  int month = 1;   ///< 1..12
  int day = 1;     ///< 1..31
  int hour = 0;    ///< 0..23
  int minute = 0;  ///< 0..59
  int second = 0;  ///< 0..59
  int micros = 0;  ///< 0..999999

  friend bool operator==(const CivilTime&, const CivilTime&) = default;
};

/// Whether the calendar has its day, from the year 1 on.
[[nodiscard]] inline bool IsDate(const CivilTime& civil) noexcept {
  return civil.year >= 1 &&
         std::chrono::year_month_day(std::chrono::year(static_cast<int>(civil.year)),
                                     std::chrono::month(static_cast<unsigned>(civil.month)),
                                     std::chrono::day(static_cast<unsigned>(civil.day)))
             .ok();
}

/// Whether a wall shows its hour, minute and second: there are no leap seconds.
[[nodiscard]] constexpr bool IsTimeOfDay(const CivilTime& civil) noexcept {
  return civil.hour <= 23 && civil.minute <= 59 && civil.second <= 59;
}

/// The zone in which times without zone, and all calendar features, are read. Rules come from the
/// system's zone database (package tzdata). Copies are cheap; thread-safe.
class TimeZone {
 public:
  /// UTC.
  TimeZone();
  /// An IANA name ("Europe/Berlin"). kInvalidArgument when the zone database does not know it.
  static Result<TimeZone> Load(std::string_view name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// When a wall in this zone shows `civil` (whose fields must be valid, 1 <= year <= 9999). A time
  /// shown twice, when clocks go back, is its first occurrence. kInvalidArgument for a time never
  /// shown, when clocks go forward.
  [[nodiscard]] Result<Instant> ToInstant(const CivilTime& civil) const;
  [[nodiscard]] CivilTime ToCivil(Instant instant) const;
  /// The instant that a date alone stands for: the first at which a wall shows the day's midnight,
  /// or, where clocks go forward over midnight, the first instant behind.
  [[nodiscard]] Instant MidnightOf(std::chrono::sys_days day) const;
  /// From when on a wall shows the day `day` until it ends: MidnightOf() it; where clocks go back
  /// from it into the day before, the second midnight.
  [[nodiscard]] Instant StartOfDay(std::chrono::sys_days day) const;

 private:
  [[nodiscard]] cctz::time_zone::civil_lookup LookUpMidnight(std::chrono::sys_days day) const;

  std::string name_;
  cctz::time_zone zone_;
  bool utc_;
};

/// The instant at which a UTC wall shows `civil`. No table look-up.
[[nodiscard]] Instant FromUtcCivil(const CivilTime& civil) noexcept;

}  // namespace forkcast::preprocessing
