#include "data_preprocessing/table/time_zone.hpp"

#include <chrono>
#include <string>

namespace forkcast::preprocessing {
namespace {

using std::chrono::microseconds;

CivilTime FromUtcInstant(Instant instant) noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<microseconds> time(instant - day);
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<int>(static_cast<unsigned>(date.month())),
          .day = static_cast<int>(static_cast<unsigned>(date.day())),
          .hour = static_cast<int>(time.hours().count()),
          .minute = static_cast<int>(time.minutes().count()),
          .second = static_cast<int>(time.seconds().count()),
          .micros = static_cast<int>(time.subseconds().count())};
}

}  // namespace

Instant FromUtcCivil(const CivilTime& civil) noexcept {
  const std::chrono::sys_days day = std::chrono::year(static_cast<int>(civil.year)) /
                                    std::chrono::month(static_cast<unsigned>(civil.month)) /
                                    std::chrono::day(static_cast<unsigned>(civil.day));
  return Instant{day} + std::chrono::hours(civil.hour) + std::chrono::minutes(civil.minute) +
         std::chrono::seconds(civil.second) + microseconds(civil.micros);
}

TimeZone::TimeZone() : name_("UTC"), zone_(cctz::utc_time_zone()), utc_(true) {}

Result<TimeZone> TimeZone::Load(std::string_view name) {
  TimeZone zone;
  zone.name_ = name;
  zone.utc_ = name == "UTC";
  if (!zone.utc_ && !cctz::load_time_zone(zone.name_, &zone.zone_)) {
    return Error{ErrorCode::kInvalidArgument,
                 "unknown time zone \"" + zone.name_ + "\": expected an IANA name such as UTC"};
  }
  return zone;
}

Result<Instant> TimeZone::ToInstant(const CivilTime& civil) const {
  if (utc_) return FromUtcCivil(civil);
  const cctz::civil_second wall(civil.year, civil.month, civil.day, civil.hour, civil.minute,
                                civil.second);
  const cctz::time_zone::civil_lookup found = zone_.lookup(wall);
  if (found.kind == cctz::time_zone::civil_lookup::SKIPPED) {
    return Error{ErrorCode::kInvalidArgument,
                 "this time does not exist in " + name_ + ": clocks went forward over it"};
  }
  return std::chrono::time_point_cast<microseconds>(found.pre) + microseconds(civil.micros);
}

CivilTime TimeZone::ToCivil(Instant instant) const {
  if (utc_) return FromUtcInstant(instant);
  const auto second = std::chrono::floor<std::chrono::seconds>(instant);
  const cctz::civil_second wall = zone_.lookup(second).cs;
  return {.year = wall.year(),
          .month = wall.month(),
          .day = wall.day(),
          .hour = wall.hour(),
          .minute = wall.minute(),
          .second = wall.second(),
          .micros = static_cast<int>((instant - second).count())};
}

cctz::time_zone::civil_lookup TimeZone::LookUpMidnight(std::chrono::sys_days day) const {
  const std::chrono::year_month_day date(day);
  return zone_.lookup(cctz::civil_second(static_cast<int>(date.year()),
                                         static_cast<int>(static_cast<unsigned>(date.month())),
                                         static_cast<int>(static_cast<unsigned>(date.day()))));
}

Instant TimeZone::MidnightOf(std::chrono::sys_days day) const {
  if (utc_) return day;
  const cctz::time_zone::civil_lookup found = LookUpMidnight(day);
  const bool skipped = found.kind == cctz::time_zone::civil_lookup::SKIPPED;
  return std::chrono::time_point_cast<microseconds>(skipped ? found.trans : found.pre);
}

Instant TimeZone::StartOfDay(std::chrono::sys_days day) const {
  const Instant midnight = MidnightOf(day);
  if (utc_) return midnight;
  const cctz::time_zone::civil_lookup found = LookUpMidnight(day);
  if (found.kind != cctz::time_zone::civil_lookup::REPEATED) return midnight;
  // Back to midnight itself is the same day all the time; back beyond it, the day before goes on.
  const bool leaves_the_day =
      cctz::civil_day(zone_.lookup(found.trans).cs) < cctz::civil_day(zone_.lookup(found.pre).cs);
  return leaves_the_day ? std::chrono::time_point_cast<microseconds>(found.post) : midnight;
}

}  // namespace forkcast::preprocessing
