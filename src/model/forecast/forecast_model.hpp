#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/fit_models.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/fit.hpp"

namespace forkcast::model {

/// A forecast of one point as of an origin.
struct Forecast {
  ForecastPoint point;
  std::size_t step = 1;
  double value = 0;  ///< NaN: a feature could not be computed, or the key has no model.
};

/// All models of a pipeline: one a step where the strategy is direct, one a key where the scope is
/// per key. Keys are known by their values, so that a model can forecast from other data than those
/// it was trained on.
class ForecastModel {
 public:
  /// Learns from the targets in `train` (and in the plan's window) alone; per key, a model for each
  /// key of `examples`. Nothing when `on_stage` cancelled. kInvalidArgument names the step, and the
  /// key where there is one a key, that cannot be trained, and why.
  static Result<std::optional<ForecastModel>> Train(const ForecastData& data,
                                                    const TrainingPlan& plan,
                                                    const StepExamples& examples, PeriodRange train,
                                                    const OnStage& on_stage);

  /// Reads back what Files() wrote (FORMAT.md), of a pipeline with the forecast, the features and
  /// the plan it was trained with. `files` may hold others beside those under `model/`; their bytes
  /// are as they were published, which Registry::ReadVersion checks. kCorrupt with the file's name:
  /// one that is missing, cannot be read, does not fit to the pipeline or to the file beside it, or
  /// belongs to nothing. Models are read on the plan's number of threads.
  static Result<ForecastModel> Load(std::span<const ArtefactFile> files,
                                    const preprocessing::PipelineSpec& spec,
                                    const TrainingPlan& plan);

  /// The keys of such a version alone.
  static Result<ModelKeys> LoadKeys(std::span<const ArtefactFile> files,
                                    const preprocessing::PipelineSpec& spec,
                                    const TrainingPlan& plan);

  /// Forecasts the points of `examples` in the periods `origin` + 1 .. `origin` + horizon, as of
  /// the end of period `origin`; sorted by step and then by key. Keys without a model have none.
  [[nodiscard]] Result<std::vector<Forecast>> Predict(const ForecastData& data,
                                                      const TrainingPlan& plan,
                                                      const StepExamples& examples,
                                                      std::int64_t origin) const;

  /// Of a key's EncodeKey() bytes: the number by which ModelOf() knows it. None for one that has no
  /// model of its own and none that is for all.
  [[nodiscard]] std::optional<std::size_t> FindKey(std::string_view key) const noexcept;
  /// The model that answers `step` (1..); null when the key has none for it.
  [[nodiscard]] const Fit* ModelOf(std::size_t step, std::size_t key) const noexcept;

  /// Trained models, those of a step together, by key within.
  [[nodiscard]] std::size_t model_count() const noexcept;
  /// The keys that have models of their own; none where one model is for all.
  [[nodiscard]] const ModelKeys& keys() const noexcept { return keys_; }
  /// Mean importance of each feature over all models, the most important first.
  [[nodiscard]] Result<std::vector<FeatureImportance>> Importances() const;
  /// The files under `model/` (FORMAT.md). kInvalidArgument for a key that is not UTF-8.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files() const;
  /// The same with the models of another version for all keys but those of this one, byte for byte:
  /// `base` are that version's files, `base_keys` its keys. Keys keep their numbers; those that the
  /// other does not have come behind. Precondition: models of one key each. kCorrupt when `base`
  /// lacks a file that its keys should have.
  [[nodiscard]] Result<std::vector<ArtefactFile>> FilesOver(
      const ModelKeys& base_keys, std::span<const ArtefactFile> base) const;

 private:
  /// A row of examples, and how far ahead of its origin it is.
  struct StepRow {
    std::size_t step = 1;
    std::uint32_t row = 0;
  };

  void NoteMissingSteps();
  [[nodiscard]] Result<std::vector<Forecast>> PredictRecursively(const ForecastData& data,
                                                                 const TrainingPlan& plan,
                                                                 const PointExamples& known,
                                                                 std::int64_t origin) const;
  /// Of rows whose steps all have the same model.
  [[nodiscard]] Result<std::vector<Forecast>> PredictRows(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const PointExamples& examples,
                                                          std::span<const StepRow> rows) const;

  ModelScope scope_ = ModelScope::kGlobal;
  ModelKeys keys_;  // of the scope per key
  /// By step (one, unless direct), then by key (one, unless per key); none for a key without
  /// examples.
  std::vector<std::vector<std::optional<Fit>>> models_;
};

}  // namespace forkcast::model
