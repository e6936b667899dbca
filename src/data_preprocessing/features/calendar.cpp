#include <cctz/civil_time.h>

#include <array>
#include <utility>

#include "data_preprocessing/features/feature_operator.hpp"

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

class Calendar final : public FeatureOperator {
 public:
  explicit Calendar(const CalendarOp& op) noexcept : op_(op) {}

  [[nodiscard]] bool NeedsCivilTime(ReadAt at) const noexcept override { return at == op_.at; }
  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return PartOf(op_.part, row.At(op_.at).civil);
  }

 private:
  CalendarOp op_;
};

}  // namespace

std::optional<CalendarPart> CalendarPartFromString(std::string_view name) noexcept {
  for (const auto& [known, part] : kParts) {
    if (known == name) return part;
  }
  return std::nullopt;
}

std::string CalendarPartNames() {
  std::string names;
  for (const auto& [name, part] : kParts) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

std::int64_t PartOf(CalendarPart part, const CivilTime& at) noexcept {
  const cctz::civil_day day(at.year, at.month, at.day);
  switch (part) {
    case CalendarPart::kHour:
      return at.hour;
    case CalendarPart::kDayOfWeek:
      return DayOfWeek(day);
    case CalendarPart::kDayOfMonth:
      return at.day;
    case CalendarPart::kDayOfYear:
      return cctz::get_yearday(day);
    case CalendarPart::kIsoWeek:
      return IsoWeek(day);
    case CalendarPart::kMonth:
      return at.month;
    case CalendarPart::kQuarter:
      return (at.month - 1) / 3 + 1;
    case CalendarPart::kYear:
      return at.year;
  }
  return 0;
}

std::unique_ptr<FeatureOperator> MakeCalendar(const CalendarOp& op) {
  return std::make_unique<Calendar>(op);
}

}  // namespace forkcast::preprocessing
