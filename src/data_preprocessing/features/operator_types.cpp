#include "data_preprocessing/features/operator_types.hpp"

#include <algorithm>
#include <string>

namespace forkcast::preprocessing {

using OperatorReader = DeclaredOperator(FeatureDeclaration& declaration);

// Each stands in the file of its operator.
OperatorReader ReadAsOf, ReadReached, ReadTimeSince, ReadTimeUntil;  // as_of.cpp
OperatorReader ReadCalendar;                                         // calendar.cpp
OperatorReader ReadField;                                            // field.cpp
OperatorReader ReadLag, ReadDifference, ReadSeasonalLag;             // lag.cpp
OperatorReader ReadRolling, ReadNonzeroShare;                        // rolling.cpp
OperatorReader ReadPeriodsSince, ReadPeriodsUntil;                   // periods_apart.cpp
OperatorReader ReadSubtract, ReadDivide, ReadMultiply;               // arithmetic.cpp

namespace {

constexpr OperatorType kTypes[] = {
    {"as_of", ReadAsOf},
    {"reached", ReadReached},
    {"calendar", ReadCalendar},
    {"field", ReadField},
    {"lag", ReadLag},
    {"difference", ReadDifference},
    {"seasonal_lag", ReadSeasonalLag},
    {"rolling", ReadRolling},
    {"nonzero_share", ReadNonzeroShare},
    {"periods_since", ReadPeriodsSince},
    {"periods_until", ReadPeriodsUntil},
    {"time_since", ReadTimeSince},
    {"time_until", ReadTimeUntil},
    {"subtract", ReadSubtract},
    {"divide", ReadDivide},
    {"multiply", ReadMultiply},
};

}  // namespace

std::span<const OperatorType> OperatorTypes() noexcept { return kTypes; }

const OperatorType& RequireOperatorType(const JsonNode& op) {
  const auto* const found = std::ranges::find(kTypes, op.String(), &OperatorType::name);
  if (found != std::ranges::end(kTypes)) return *found;
  std::string names;
  for (const OperatorType& type : kTypes) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  op.Fail("expected one of " + names);
}

}  // namespace forkcast::preprocessing
