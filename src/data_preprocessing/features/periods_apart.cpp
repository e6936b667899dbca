#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

/// A missing value is not known to be other than 0.
bool IsNonzero(double value) noexcept { return value < 0 || value > 0; }

class PeriodsSince final : public FeatureOperator {
 public:
  PeriodsSince(SeriesColumn from, const PeriodsSinceOp& op) noexcept
      : from_(from), limit_(op.limit) {}

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

class PeriodsUntil final : public FeatureOperator {
 public:
  PeriodsUntil(SeriesColumn from, const PeriodsUntilOp& op) noexcept
      : from_(from), limit_(op.limit) {}

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

std::unique_ptr<FeatureOperator> MakePeriodsSince(SeriesColumn from, const PeriodsSinceOp& op) {
  return std::make_unique<PeriodsSince>(from, op);
}

std::unique_ptr<FeatureOperator> MakePeriodsUntil(SeriesColumn from, const PeriodsUntilOp& op) {
  return std::make_unique<PeriodsUntil>(from, op);
}

}  // namespace forkcast::preprocessing
