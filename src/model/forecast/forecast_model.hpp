#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/transform/fitted_transforms.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/registry/registry.hpp"
#include "model/train/target_transform.hpp"
#include "model/train/tree_model.hpp"

namespace forkcast::model {

/// The examples that a strategy learns from and is judged on, computed once for all folds: features
/// are read as of a row's own origin, so that no fold changes them.
class StepExamples {
 public:
  /// Of all points of `periods` whose value is known.
  static Result<StepExamples> Compute(const ForecastData& data, const TrainingPlan& plan,
                                      PeriodRange periods);

  /// Models that the strategy trains for a key (or for all keys): `direct` one a step, else one.
  [[nodiscard]] std::size_t model_count() const noexcept { return by_model_.size(); }
  [[nodiscard]] const Examples& of_model(std::size_t model) const noexcept {
    return by_model_[model];
  }

 private:
  std::vector<Examples> by_model_;
};

/// Rows of `examples` whose periods lie in `periods`, sorted by period and then by key.
[[nodiscard]] std::vector<std::uint32_t> RowsIn(const Examples& examples, PeriodRange periods);

/// One trained model and what belongs before and behind it.
struct FittedModel {
  preprocessing::FittedTransforms transforms;
  TargetTransform target;
  TreeModel trees;
  std::size_t rows = 0;  ///< Learned from, validation rows included.
};

struct TrainingStage {
  std::size_t done = 0;
  std::size_t total = 0;  ///< Models or, of a single one, its rounds.
};
/// Called now and then, from the thread that trains; false cancels.
using OnStage = std::function<bool(const TrainingStage&)>;

/// A forecast of one point as of an origin.
struct Forecast {
  ForecastPoint point;
  std::size_t step = 1;
  double value = 0;  ///< NaN: a feature could not be computed, or the key has no model.
};

/// All models of a pipeline: one a step where the strategy is direct, one a key where the scope is
/// per key.
class ForecastModel {
 public:
  /// Learns from the targets in `train` (and in the plan's window) alone. Nothing when `on_stage`
  /// cancelled. kInvalidArgument names the step, and the key where there is one a key, that cannot
  /// be trained, and why.
  static Result<std::optional<ForecastModel>> Train(const ForecastData& data,
                                                    const TrainingPlan& plan,
                                                    const StepExamples& examples, PeriodRange train,
                                                    const OnStage& on_stage);

  /// Forecasts the points of `examples` in the periods `origin` + 1 .. `origin` + horizon, as of
  /// the end of period `origin`; sorted by step and then by key.
  [[nodiscard]] Result<std::vector<Forecast>> Predict(const ForecastData& data,
                                                      const TrainingPlan& plan,
                                                      const StepExamples& examples,
                                                      std::int64_t origin) const;

  /// Trained models, those of a step together, by key within.
  [[nodiscard]] std::size_t model_count() const noexcept;
  /// Mean importance of each feature over all models, the most important first.
  [[nodiscard]] Result<std::vector<FeatureImportance>> Importances() const;
  /// Every model's files: `model/STEP.ubj` and `model/STEP.transforms.json`, or
  /// `model/STEP/KEY.ubj` and so on with `keys.json`, where one a key; steps and keys as numbers.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files(const ForecastData& data) const;

 private:
  [[nodiscard]] const FittedModel* Of(std::size_t step, std::uint32_t key) const noexcept;
  [[nodiscard]] Result<std::vector<Forecast>> PredictRecursively(const ForecastData& data,
                                                                 const TrainingPlan& plan,
                                                                 const Examples& known,
                                                                 std::int64_t origin) const;
  [[nodiscard]] Result<std::vector<Forecast>> PredictRows(const TrainingPlan& plan,
                                                          const Examples& examples,
                                                          std::span<const std::uint32_t> rows,
                                                          std::size_t step) const;

  ModelScope scope_ = ModelScope::kGlobal;
  /// By step (one, unless direct), then by key (one, unless per key); none for a key without
  /// examples.
  std::vector<std::vector<std::optional<FittedModel>>> models_;
};

}  // namespace forkcast::model
