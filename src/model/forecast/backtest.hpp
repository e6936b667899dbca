#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/evaluate/baselines.hpp"
#include "model/evaluate/metrics.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/fit_models.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// A forecast beside what happened.
struct JudgedForecast {
  std::size_t fold = 0;
  Forecast forecast;
  double actual = 0;
  std::vector<float> baselines;  ///< In the plan's order; NaN where a baseline has none.
};

/// A baseline, and the model on exactly the rows that the baseline has a forecast for.
struct BaselineResult {
  BaselineSpec spec;
  ErrorSums baseline;
  ErrorSums model;
  std::vector<ErrorSums> baseline_by_step;
  std::map<NoForecast, std::size_t> left_out;  ///< Rows without a forecast, by reason.

  /// 1 - model / baseline on those rows; positive is better than the baseline.
  [[nodiscard]] std::optional<double> SkillOf(Metric metric) const noexcept {
    return Skill(metric, model.Value(metric), baseline.Value(metric));
  }
};

/// What walk-forward validation found. Rows that the model could not forecast are left out of
/// everything but `without_forecast`.
struct Backtest {
  Metric metric{"wape"};  ///< The one that decides.
  std::vector<Fold> folds;
  std::vector<JudgedForecast> rows;  ///< By fold, step and key.
  ErrorSums all;
  std::vector<ErrorSums> by_fold;
  std::vector<ErrorSums> by_step;
  std::vector<ErrorSums> by_key;
  std::vector<BaselineResult> baselines;
  std::vector<ForecastPoint> without_forecast;
  std::string first_refusal;  ///< Why, of the first row whose features could not be computed.
  std::vector<FeatureImportance> importances;  ///< Of the last fold's model.

  [[nodiscard]] std::optional<double> value() const noexcept { return all.Value(metric); }
  /// The baseline that the model beats by least; null when none has a forecast.
  [[nodiscard]] const BaselineResult* best_baseline() const noexcept;
  /// Whether the model is better than every baseline that has a forecast, by the deciding metric.
  [[nodiscard]] bool beats_baselines() const noexcept;
};

/// Which part of a backtest is at work.
struct BacktestStage {
  std::size_t fold = 0;
  std::size_t folds = 0;
  TrainingStage training;
};
using OnBacktest = std::function<bool(const BacktestStage&)>;

/// Trains and judges one model a fold. `periods`: those of which targets are used at all;
/// `examples` are theirs. Nothing when `on_stage` cancelled. kInvalidArgument: too little history
/// for the folds, nothing to judge, a fold that cannot be trained.
[[nodiscard]] Result<std::optional<Backtest>> RunBacktest(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const StepExamples& examples,
                                                          PeriodRange periods,
                                                          const OnBacktest& on_stage);

/// Whether the model is worth having, in a sentence or two.
[[nodiscard]] std::string VerdictOn(const Backtest& backtest);

/// What the same backtest found for one key; of its rows alone, so without importances. O(its
/// rows), besides one pass over all.
[[nodiscard]] Backtest OfKey(const Backtest& backtest, std::uint32_t key, const ForecastData& data,
                             const TrainingPlan& plan);

/// Whether the baselines are beaten, and metrics of all.
[[nodiscard]] nlohmann::ordered_json BriefJson(const Backtest& backtest);

/// For manifests and `--json`: metrics of all, by fold and step, quantiles over keys, baselines.
[[nodiscard]] nlohmann::ordered_json ToJson(const Backtest& backtest, const ForecastData& data);

/// For people: a table of model and baselines, folds, steps, and a plain verdict.
[[nodiscard]] std::string Describe(const Backtest& backtest, const ForecastData& data);

}  // namespace forkcast::model
