#include "data_preprocessing/features/column_operator.hpp"

namespace forkcast::preprocessing {
namespace {

/// A missing value is not known to be other than 0.
bool IsNonzero(double value) noexcept { return value < 0 || value > 0; }

}  // namespace

/// Periods from the latest value that is not 0 to period 0; missing when they are more than
/// `limit`.
DeclaredOperator ReadPeriodsSince(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "limit", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  const int limit = declaration.Periods("limit");
  return OfColumn<SeriesView>(from, [limit](const SeriesView& view, std::size_t column) noexcept {
    const std::span<const double> past = view.Window(column, 1, limit + 1);
    for (std::size_t back = 0; back < past.size(); ++back) {
      if (IsNonzero(past[past.size() - 1 - back])) return static_cast<double>(back);
    }
    return kMissingNumber;
  });
}

/// Periods from the target to the next value that is not 0, its own included; missing when they are
/// more than `limit`.
DeclaredOperator ReadPeriodsUntil(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "series", "value", "key", "limit", "missing"});
  const SeriesColumn from = declaration.PlannedValue().from;
  const int limit = declaration.Periods("limit");
  return OfColumn<PlanView>(from, [limit](const PlanView& plan, std::size_t column) noexcept {
    for (int ahead = 0; ahead <= limit; ++ahead) {
      if (IsNonzero(plan.In(column, plan.target_period() + ahead))) {
        return static_cast<double>(ahead);
      }
    }
    return kMissingNumber;
  });
}

}  // namespace forkcast::preprocessing
