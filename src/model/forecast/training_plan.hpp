#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
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
#include "model/forecast/cold_start.hpp"
#include "model/forecast/hierarchy_spec.hpp"
#include "model/forecast/output_rule.hpp"
#include "model/history/history_method.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/learn/learning_plan.hpp"

namespace forkcast::model {

/// For which keys one model is trained.
enum class ModelScope {
  kGlobal,  ///< One for all keys.
  kPerKey,  ///< One a key.
};

/// What becomes of several candidates; by their errors in folds that lie before.
enum class CandidateChoice {
  kOne,           ///< The best one, for all keys.
  kPerKey,        ///< The best one of each key, where that was better in most folds.
  kMean,          ///< The mean of all.
  kWeightedMean,  ///< Their mean, each weighted by 1 over its error.
};
/// "one", "per_key", "mean", "weighted_mean".
[[nodiscard]] std::string_view ToString(CandidateChoice choice) noexcept;

/// How a forecast pipeline is trained and judged: its section `training` (docs/forecasting.md).
struct TrainingPlan : LearningPlan {
  /// Set: learns from the keys' histories, and neither `trainer` nor features have a part in it.
  std::shared_ptr<const HistoryMethod> history;
  std::string name;  ///< Of a candidate.
  /// Not empty: what this plan says of learning is theirs to say, and of judging all say the same.
  std::vector<TrainingPlan> candidates;
  CandidateChoice choice = CandidateChoice::kOne;
  std::size_t choice_folds = 3;  ///< Folds before one's test by which candidates are chosen for it.
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
  OutputRule output;
  FoldSpec folds;
  Metric metric{"wape"};
  std::vector<BaselineSpec> baselines;
  std::size_t mase_season = 1;
  /// Levels of intervals, ascending; empty: there are none.
  std::vector<double> intervals;
  /// Folds before those that are judged, for what the first of these takes its intervals from.
  std::size_t calibration_folds = 0;
  double min_judged = kLeastJudged;
  /// So many periods without a sale up to an origin, and a key is not forecast from it; unset: all
  /// are.
  std::optional<std::size_t> ended_after;
  std::optional<HierarchySpec> hierarchy;  ///< The sums that are forecast, too.
  /// Rules for keys without a history, that are tried on those that were new at some time.
  std::vector<ColdStartSpec> cold_starts;

  /// Whether anything is learned from rows of features.
  [[nodiscard]] bool reads_features() const noexcept;
  /// The folds that are trained for the candidates, of which the last n_splits are judged.
  [[nodiscard]] FoldSpec CandidateFolds() const noexcept;
  /// How many folds lie between one and the last one that ends before its training does.
  [[nodiscard]] std::size_t FoldsApart() const noexcept;

  /// The periods of `train` whose targets are learned from: the last `window` of them.
  [[nodiscard]] PeriodRange Learned(PeriodRange train) const noexcept;
  /// The periods, from the first to the last, of which rows are learned from or judged when
  /// `periods` are trained on and judged in `folds`.
  [[nodiscard]] PeriodRange Needed(PeriodRange periods,
                                   std::span<const Fold> folds_of) const noexcept;
};

/// The folds of a validation, oldest first.
struct ValidationFolds {
  std::vector<Fold> choice;       ///< Of the plan's candidates.
  std::vector<Fold> calibration;  ///< Of its intervals.
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
