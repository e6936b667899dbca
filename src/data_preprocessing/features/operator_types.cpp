#include "data_preprocessing/features/operator_types.hpp"

#include <algorithm>
#include <string>

namespace forkcast::preprocessing {

using OperatorReader = DeclaredOperator(FeatureDeclaration& declaration);

// Each stands in the file of its operator.
OperatorReader ReadAsOf, ReadReached, ReadTimeSince, ReadTimeUntil;  // as_of.cpp
OperatorReader ReadCalendar;                                         // calendar.cpp
OperatorReader ReadField;                                            // field.cpp
OperatorReader ReadLag, ReadDifference, ReadSeasonalLag, ReadStep;   // lag.cpp
OperatorReader ReadRolling, ReadNonzeroShare;                        // rolling.cpp
OperatorReader ReadPeriodsSince, ReadPeriodsUntil;                   // periods_apart.cpp
OperatorReader ReadSubtract, ReadDivide, ReadMultiply;               // arithmetic.cpp

namespace {

constexpr OperatorType kTypes[] = {
    {"as_of", ReadAsOf, {"value"}, "value"},
    {"reached", ReadReached, {"value"}, "value"},
    {"calendar", ReadCalendar, {"part"}, "part", false},
    {"field", ReadField, {"field"}, "field", false},
    {"lag", ReadLag, {"periods", "value"}},
    {"difference", ReadDifference, {"periods", "lag", "value"}},
    {"seasonal_lag", ReadSeasonalLag, {"season", "seasons", "value"}},
    {"step", ReadStep, {"value"}},
    {"rolling", ReadRolling, {"window", "lag", "statistic", "value"}},
    {"nonzero_share", ReadNonzeroShare, {"window", "lag", "value"}},
    {"periods_since", ReadPeriodsSince, {"value"}},
    {"periods_until", ReadPeriodsUntil, {"value"}},
    {"time_since", ReadTimeSince, {"value"}},
    {"time_until", ReadTimeUntil, {"value"}},
    {"subtract", ReadSubtract, {"left", "right"}, {}, false},
    {"divide", ReadDivide, {"left", "right"}, {}, false},
    {"multiply", ReadMultiply, {"left", "right"}, {}, false},
};

}  // namespace

std::span<const OperatorType> OperatorTypes() noexcept { return kTypes; }

const OperatorType* FindOperatorType(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kTypes, name, &OperatorType::name);
  return found == std::ranges::end(kTypes) ? nullptr : found;
}

const OperatorType& RequireOperatorType(const JsonNode& op) {
  if (const OperatorType* const found = FindOperatorType(op.String())) return *found;
  std::string names;
  for (const OperatorType& type : kTypes) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  op.Fail("expected one of " + names);
}

}  // namespace forkcast::preprocessing
