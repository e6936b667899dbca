#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/evaluate/baselines.hpp"
#include "model/evaluate/metrics.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/learn/learning_plan.hpp"

namespace forkcast::model {

/// For which keys one model is trained.
enum class ModelScope {
  kGlobal,  ///< One for all keys.
  kPerKey,  ///< One a key.
};

/// How a forecast pipeline is trained and judged: its section `training` (docs/forecasting.md).
struct TrainingPlan : LearningPlan {
  ModelScope scope = ModelScope::kGlobal;
  TargetTransform target;
  /// Features, by their positions, that give each row's TargetReference; none when the transform
  /// needs none.
  std::optional<std::size_t> scale;
  std::optional<std::size_t> anchor;
  /// Only targets of so many periods before the end of training are learned from; unset: all.
  std::optional<std::size_t> window;
  /// Periods after which a row counts half, times its weight; unset: its age is no matter.
  std::optional<double> half_life;
  /// Forecasts below 0 become 0.
  bool not_negative = false;
  FoldSpec folds;
  Metric metric{"wape"};
  std::vector<BaselineSpec> baselines;
  std::size_t mase_season = 1;
  /// Levels of intervals, ascending; empty: there are none.
  std::vector<double> intervals;
  /// Folds before those that are judged, for what the first of these takes its intervals from.
  std::size_t calibration_folds = 0;
  double min_judged = kLeastJudged;

  /// The periods of `train` whose targets are learned from: the last `window` of them.
  [[nodiscard]] PeriodRange Learned(PeriodRange train) const noexcept;
  /// The periods, from the first to the last, of which rows are learned from or judged when
  /// `periods` are trained on and judged in `folds`.
  [[nodiscard]] PeriodRange Needed(PeriodRange periods,
                                   std::span<const Fold> folds_of) const noexcept;
};

/// The folds of a validation, oldest first.
struct ValidationFolds {
  std::vector<Fold> calibration;  ///< Of the plan's intervals.
  std::vector<Fold> judged;

  [[nodiscard]] std::vector<Fold> All() const;
};
/// As WalkForwardFolds() and FoldsBefore().
[[nodiscard]] Result<ValidationFolds> FoldsOf(const TrainingPlan& plan, PeriodRange periods);

/// Reads the member `training` of the pipeline document `root`, whose validated form is `spec`.
/// `trainers`: as PlanReading::trainers. Throws SpecError naming the path: also when the pipeline
/// declares no forecast, or when a feature that is named does not exist.
[[nodiscard]] TrainingPlan ReadTrainingPlan(const preprocessing::JsonNode& root,
                                            const preprocessing::PipelineSpec& spec,
                                            std::span<const TrainerKind> trainers);

}  // namespace forkcast::model
