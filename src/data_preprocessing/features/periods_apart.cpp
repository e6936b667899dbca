#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {
namespace {

/// A missing value is not known to be other than 0.
bool IsNonzero(double value) noexcept { return value < 0 || value > 0; }

/// Periods from the latest value that is not 0 to period 0; missing when they are more than
/// `limit`.
class PeriodsSince final : public FeatureOperator {
 public:
  PeriodsSince(SeriesColumn from, int limit) noexcept : from_(from), limit_(limit) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const std::span<const double> past = row.reads[from_.read].Window(from_.column, 1, limit_ + 1);
    for (std::size_t back = 0; back < past.size(); ++back) {
      if (IsNonzero(past[past.size() - 1 - back])) return static_cast<double>(back);
    }
    return {};
  }

 private:
  SeriesColumn from_;
  int limit_;
};

/// Periods from the target to the next value that is not 0, its own included; missing when they are
/// more than `limit`.
class PeriodsUntil final : public FeatureOperator {
 public:
  PeriodsUntil(SeriesColumn from, int limit) noexcept : from_(from), limit_(limit) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const PlanView& plan = row.plans[from_.read];
    for (int ahead = 0; ahead <= limit_; ++ahead) {
      if (IsNonzero(plan.In(from_.column, plan.target_period() + ahead))) {
        return static_cast<double>(ahead);
      }
    }
    return {};
  }

 private:
  SeriesColumn from_;
  int limit_;
};

}  // namespace

DeclaredOperator ReadPeriodsSince(FeatureDeclaration& declaration) {
  declaration.node().RequireObject(
      {"name", "op", "series", "value", "key", "limit", "at", "missing"});
  const SeriesColumn from = declaration.GridValue().from;
  return {std::make_unique<PeriodsSince>(from, declaration.Periods("limit")), ColumnType::kDouble};
}

DeclaredOperator ReadPeriodsUntil(FeatureDeclaration& declaration) {
  declaration.node().RequireObject({"name", "op", "series", "value", "key", "limit", "missing"});
  const SeriesColumn from = declaration.PlannedValue().from;
  return {std::make_unique<PeriodsUntil>(from, declaration.Periods("limit")), ColumnType::kDouble};
}

}  // namespace forkcast::preprocessing
