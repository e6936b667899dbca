#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/evaluate/baselines.hpp"
#include "model/evaluate/intervals.hpp"
#include "model/evaluate/metrics.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/candidate_choice.hpp"
#include "model/forecast/conformal_intervals.hpp"
#include "model/forecast/fit_models.hpp"
#include "model/forecast/fold_contributions.hpp"
#include "model/forecast/fold_hierarchy.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/new_key_trial.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// A forecast beside what happened.
struct JudgedForecast {
  std::size_t fold = 0;
  Forecast forecast;
  double actual = 0;
  std::vector<float> baselines;  ///< In the plan's order; NaN where a baseline has none.
  /// In the order of the plan's levels; empty when too little had happened by the fold's origin.
  std::vector<PredictionInterval> intervals;
};

/// Why a period of a fold's test is not judged.
enum class LeftOut {
  kNoValue,      ///< Nothing is known that a forecast could be compared with.
  kCensored,     ///< The same, since the series says that something else hid it.
  kEnded,        ///< The key had ended by the origin, and is not forecast.
  kRefused,      ///< A feature cannot be computed, and may not be missing.
  kNoModel,      ///< The key had too few rows for a model of its own.
  kNoReference,  ///< What the target is measured from is missing.
};
/// "no value", "censored", "ended", "refused", "no model", "no reference".
[[nodiscard]] std::string_view ToString(LeftOut reason) noexcept;
/// Whether such a row is one that a model should have had a forecast for.
[[nodiscard]] bool IsToBeJudged(LeftOut reason) noexcept;

/// A row that is not judged.
struct LeftOutRow {
  std::size_t fold = 0;
  std::size_t step = 1;
  ForecastPoint point;
  LeftOut reason = LeftOut::kRefused;
};

/// A baseline, and the model on exactly the rows that the baseline has a forecast for.
struct BaselineResult {
  BaselineSpec spec;
  ErrorSums baseline;
  ErrorSums model;
  std::vector<ErrorSums> baseline_by_step;
  std::map<std::int64_t, ErrorSums> baseline_by_period;
  std::map<NoForecast, std::size_t> left_out;  ///< Rows without a forecast, by reason.

  /// 1 - model / baseline on those rows; positive is better than the baseline.
  [[nodiscard]] std::optional<double> SkillOf(Metric metric) const noexcept {
    return Skill(metric, model.Value(metric), baseline.Value(metric));
  }
};

/// How good the intervals were, of the rows that had some.
struct IntervalResult {
  std::vector<double> levels;
  IntervalSums all;
  std::vector<IntervalSums> by_fold;
  std::vector<IntervalSums> by_step;
  /// Keys in three parts of about one size, by their mean |y| over the judged rows, the smallest
  /// first; empty with fewer than three keys.
  std::vector<IntervalSums> by_size;
  std::size_t rows_without = 0;  ///< Judged, but without intervals.
};

/// What walk-forward validation found. Rows that are left out are in nothing but `left_out`.
struct Backtest {
  Metric metric{"wape"};   ///< The one that decides.
  std::string value_name;  ///< What is forecast.
  double min_judged = kLeastJudged;
  std::vector<Fold> folds;
  std::vector<JudgedForecast> rows;  ///< By fold, step and key.
  std::vector<LeftOutRow> left_out;
  ErrorSums all;
  std::vector<ErrorSums> by_fold;
  std::vector<ErrorSums> by_step;
  std::vector<ErrorSums> by_key;
  std::map<std::int64_t, ErrorSums> by_period;
  std::vector<BaselineResult> baselines;
  std::optional<IntervalResult> intervals;  ///< Of a plan with some.
  /// Of these folds' forecasts, of a plan with intervals.
  std::vector<ForecastError> errors;
  /// Keys that had no model of their own, each with the numbers (from 1) of the folds.
  std::map<std::uint32_t, std::vector<std::size_t>> without_model;
  /// Examples of all periods and models, learned from or judged, that have been left out.
  std::size_t refused = 0;
  std::string first_refusal;                   ///< Why, of the first of them.
  std::vector<FeatureImportance> importances;  ///< Of the last fold's model.
  FoldContributions contributions;             ///< Likewise, of rows of its test.
  /// Of what learns from histories: keys by the form that they got in the last fold.
  std::map<std::string, std::size_t> forms;
  std::optional<CandidateReport> candidates;  ///< Where there are some.
  /// What keeps the judgement from being one of the whole: no model is promoted by it.
  std::vector<std::string> shortfalls;
  /// Of a series that declares it: the censored periods of all keys, and all periods.
  std::optional<std::size_t> censored;
  std::size_t periods_of_keys = 0;
  std::optional<HierarchyResult> hierarchy;  ///< Of a plan with one.
  std::optional<NewKeyTrial> new_keys;       ///< Of a plan with rules for them.

  [[nodiscard]] std::optional<double> value() const noexcept { return all.Value(metric); }
  /// Those that were judged, and those that could have been.
  [[nodiscard]] std::size_t rows_to_judge() const noexcept;
  [[nodiscard]] std::map<LeftOut, std::size_t> CountLeftOut() const;
  /// The baseline that the model beats by least; null when none has a forecast.
  [[nodiscard]] const BaselineResult* best_baseline() const noexcept;
  /// Whether the model is better than every baseline, by the deciding metric, on enough rows.
  [[nodiscard]] bool beats_baselines() const noexcept;
};

/// Which part of a backtest is at work.
struct BacktestStage {
  std::size_t fold = 0;
  std::size_t folds = 0;
  TrainingStage training;
};
using OnBacktest = std::function<bool(const BacktestStage&)>;

/// Trains and judges one model a fold, or, where folds have the same training periods, one for
/// them; of candidates each one, and what is chosen of them by the folds before. `periods`: those
/// of which targets are used at all; `examples` are theirs. Nothing when `on_stage` cancelled.
/// kInvalidArgument: too little history for the folds, nothing to judge, a fold that cannot be
/// trained.
[[nodiscard]] Result<std::optional<Backtest>> RunBacktest(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const StepExamples& examples,
                                                          PeriodRange periods,
                                                          const OnBacktest& on_stage);

/// What RunBacktest() learns from, a training each, in their order; the last is the one that is
/// explained. kInvalidArgument as there. Precondition: a plan without candidates.
[[nodiscard]] Result<std::vector<PeriodRange>> TrainingsOf(const TrainingPlan& plan,
                                                           PeriodRange periods);
/// The plan by which a candidate is judged, also in those folds by which is chosen.
[[nodiscard]] TrainingPlan CandidateToJudge(const TrainingPlan& plan, std::size_t candidate);

/// The scale of MASE for a key's rows of a fold: of what its training has seen.
[[nodiscard]] double ScaleOf(const ForecastData& data, const TrainingPlan& plan, std::uint32_t key,
                             const Fold& fold);

/// That the plan's metric is defined for what happened in the folds' tests, whatever is forecast.
/// `keys`: those that are judged.
[[nodiscard]] Status CheckMetric(const ForecastData& data, const TrainingPlan& plan,
                                 std::span<const Fold> folds, std::span<const std::uint32_t> keys);

/// What became of keys that had ended by an origin, in the folds' tests.
struct EndedKeys {
  std::size_t keys = 0;
  std::size_t rows = 0;
  std::size_t sold_again = 0;  ///< Rows with a sale all the same.
  double value = 0;            ///< Of these, the sum.
};
[[nodiscard]] EndedKeys EndedOf(const Backtest& backtest, const ForecastData& data);

/// Whether the model is worth having, in a few sentences.
[[nodiscard]] std::string VerdictOn(const Backtest& backtest);

/// What was not judged or not learned from, and why; a line each.
[[nodiscard]] std::vector<std::string> DescribeLeftOut(const Backtest& backtest,
                                                       const ForecastData& data);

/// What the same backtest found for one key; of its rows alone, so without importances. O(its
/// rows), besides one pass over all.
[[nodiscard]] Backtest OfKey(const Backtest& backtest, std::uint32_t key, const ForecastData& data,
                             const TrainingPlan& plan);

/// Whether the baselines are beaten, and metrics of all.
[[nodiscard]] nlohmann::ordered_json BriefJson(const Backtest& backtest);

/// For manifests and `--json`: metrics of all, by fold and step, quantiles over keys, baselines.
[[nodiscard]] nlohmann::ordered_json ToJson(const Backtest& backtest, const ForecastData& data);

/// For people: a table of model and baselines, folds, steps, keys, and a plain verdict.
[[nodiscard]] std::string Describe(const Backtest& backtest, const ForecastData& data);

}  // namespace forkcast::model
