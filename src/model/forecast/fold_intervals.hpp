#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "model/evaluate/intervals.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// Of how many folds before an origin its intervals are made, at most: as many as are judged or, if
/// there are more, calibrate.
[[nodiscard]] std::size_t IntervalFolds(const TrainingPlan& plan) noexcept;

/// The intervals of a validation, fold by fold. Those of a fold are made of what the folds before
/// it, at most IntervalFolds(), were off by in periods that had happened by its
/// origin: what a version would have published there, and could know. Does nothing for a plan
/// without intervals.
class FoldIntervals {
 public:
  /// Both outlive the object.
  FoldIntervals(const ForecastData& data, const TrainingPlan& plan) : data_(data), plan_(plan) {}

  /// For the fold's forecasts; folds come oldest first.
  void Begin(const Fold& fold);
  /// Of a forecast of the fold that was begun; empty when there are too few errors.
  [[nodiscard]] std::vector<PredictionInterval> Around(const Forecast& forecast) const;
  /// Takes what the fold's forecasts were off by.
  void Learn(const std::vector<Forecast>& forecasts);
  /// What intervals of a later origin are made of.
  [[nodiscard]] std::vector<ForecastError> Newest() const;

 private:
  const ForecastData& data_;
  const TrainingPlan& plan_;
  std::vector<std::vector<ForecastError>> errors_;  // by fold
  // Of the fold that was begun.
  std::vector<double> key_scales_;
  std::optional<ConformalIntervals> fitted_;
};

/// Of the errors in periods up to `last`, the last one that is known. As ConformalIntervals::Fit().
[[nodiscard]] Result<ConformalIntervals> FitIntervals(const ForecastData& data,
                                                      const TrainingPlan& plan,
                                                      std::span<const ForecastError> errors,
                                                      std::int64_t last);

/// Judges the intervals of `backtest`'s rows. Precondition: a plan with some.
[[nodiscard]] IntervalResult JudgeIntervals(const Backtest& backtest, const ForecastData& data,
                                            const TrainingPlan& plan);

}  // namespace forkcast::model
