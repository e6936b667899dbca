#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::preprocessing {
namespace {

class Lag final : public FeatureOperator {
 public:
  Lag(SeriesColumn from, const LagOp& op) noexcept : from_(from), back_(op.periods - 1) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    return ToFeature(row.reads[from_.read].Back(from_.column, back_));
  }

 private:
  SeriesColumn from_;
  int back_;
};

class Difference final : public FeatureOperator {
 public:
  Difference(SeriesColumn from, const DifferenceOp& op) noexcept
      : from_(from), back_(op.lag - 1), periods_(op.periods) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    return ToFeature(view.Back(from_.column, back_) - view.Back(from_.column, back_ + periods_));
  }

 private:
  SeriesColumn from_;
  int back_;
  int periods_;
};

class SeasonalLag final : public FeatureOperator {
 public:
  SeasonalLag(SeriesColumn from, const SeasonalLagOp& op) noexcept
      : from_(from), season_(op.season), seasons_(op.seasons) {}

  [[nodiscard]] Value Compute(const RowContext& row) const noexcept override {
    const SeriesView& view = row.reads[from_.read];
    // From period 0 to the target. A target that has passed is no target: its own value is never
    // read, so at least one season lies between.
    const PeriodIndex ahead = std::max<PeriodIndex>(1, view.target_period() - view.period());
    const PeriodIndex seasons = (ahead + season_ - 1) / season_ + seasons_ - 1;
    return ToFeature(
        view.Back(from_.column, seasons * season_ - (view.target_period() - view.period())));
  }

 private:
  SeriesColumn from_;
  int season_;
  int seasons_;
};

}  // namespace

std::unique_ptr<FeatureOperator> MakeLag(SeriesColumn from, const LagOp& op) {
  return std::make_unique<Lag>(from, op);
}

std::unique_ptr<FeatureOperator> MakeDifference(SeriesColumn from, const DifferenceOp& op) {
  return std::make_unique<Difference>(from, op);
}

std::unique_ptr<FeatureOperator> MakeSeasonalLag(SeriesColumn from, const SeasonalLagOp& op) {
  return std::make_unique<SeasonalLag>(from, op);
}

}  // namespace forkcast::preprocessing
