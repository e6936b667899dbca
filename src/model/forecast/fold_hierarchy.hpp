#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/evaluate/metrics.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/hierarchy.hpp"
#include "model/forecast/hierarchy_model.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// How good forecasts of one level are. A row is a group's period, of which the values that are
/// known of its keys are added up.
struct LevelResult {
  std::string name;
  std::size_t groups = 0;
  ErrorSums bottom_up{};
  ErrorSums mint{};  ///< Without rows unless the plan reconciles by it.
  ErrorSums own{};  ///< Of what was forecast of the level alone; of the keys the same as bottom_up.
};

/// What walk-forward validation found of the sums.
struct HierarchyResult {
  bool is_mint = false;
  std::vector<LevelResult> levels;  ///< As the hierarchy's, and behind them the keys.
  std::vector<double> shrinkages;   ///< By judged fold.
  /// What forecasts were off by in the newest folds, by fold and step.
  std::vector<SummedErrors> errors;
};
[[nodiscard]] nlohmann::ordered_json ToJson(const HierarchyResult& result);

/// Forecasts sums of the folds, one fold after the other, oldest first, and judges them. Those of a
/// fold are reconciled by what the folds before it, at most as many as are judged, were off by in
/// periods that had happened by its origin.
class FoldHierarchy {
 public:
  /// Both outlive the object. Does nothing for a plan without a hierarchy. As Hierarchy::Build().
  static Result<FoldHierarchy> Make(const ForecastData& data, const TrainingPlan& plan);

  /// `forecasts`: of the fold's keys, as they are judged.
  void Add(const Fold& fold, const std::vector<Forecast>& forecasts, bool is_judged);
  /// Of all judged folds; none without a hierarchy.
  [[nodiscard]] std::optional<HierarchyResult> Finish();

 private:
  /// Errors of a period.
  struct Off {
    std::int64_t period = 0;
    SummedErrors errors;
  };

  FoldHierarchy(const ForecastData& data, const TrainingPlan& plan) : data_(data), plan_(plan) {}
  /// Those of the newest folds in periods up to `last`.
  [[nodiscard]] std::vector<SummedErrors> ErrorsUpTo(std::int64_t last) const;
  void Judge(std::span<const double> actual, std::span<const double> keys,
             std::span<const double> sums);

  const ForecastData& data_;
  const TrainingPlan& plan_;
  std::optional<Hierarchy> hierarchy_;
  std::vector<SummedHistory> histories_;
  std::optional<PeriodRange> learned_from_;
  HierarchyModel model_;
  std::vector<std::vector<Off>> off_;  // by fold
  HierarchyResult result_;
};

/// What is published: learned of all `periods`, reconciled by `errors`. As Hierarchy::Build().
/// Precondition: a plan whose hierarchy is reconciled by MinT.
[[nodiscard]] Result<nlohmann::ordered_json> HierarchyJson(const ForecastData& data,
                                                           const TrainingPlan& plan,
                                                           PeriodRange periods,
                                                           std::span<const SummedErrors> errors);
/// Whether the plan's hierarchy can be built of the data, and reconciled as it says.
[[nodiscard]] Status CheckHierarchy(const ForecastData& data, const TrainingPlan& plan);

}  // namespace forkcast::model
