#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/candidate_choice.hpp"
#include "model/forecast/fit_models.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/fit.hpp"

namespace forkcast::model {

/// A forecast's models as training leaves them: what forecasts, which is judged and will serve, and
/// what is published of it.
class TrainedForecast {
 public:
  /// Learns from the targets in `train` (and in the plan's window) alone; per key, a model for each
  /// key of `examples` that has rows enough: others are not among the model's keys. Nothing when
  /// `on_stage` cancelled. kInvalidArgument names the step, and the
  /// key where there is one a key, that cannot be trained, and why. Precondition: plan.trainer.
  static Result<std::optional<TrainedForecast>> Train(const ForecastData& data,
                                                      const TrainingPlan& plan,
                                                      const StepExamples& examples,
                                                      PeriodRange train, const OnStage& on_stage);

  /// The candidates that `chosen` uses, each trained by itself. As Train(), of the first that
  /// cannot be.
  static Result<std::optional<TrainedForecast>> TrainCandidates(
      const ForecastData& data, const TrainingPlan& plan, const StepExamples& examples,
      PeriodRange train, const ChosenCandidates& chosen, const OnStage& on_stage);

  [[nodiscard]] const ForecastModel& model() const noexcept { return model_; }
  /// Of what was learned from histories: keys by their form, or why something stands in for it.
  [[nodiscard]] std::map<std::string, std::size_t> Forms() const;
  /// Mean importance of each feature over all models, the most important first.
  [[nodiscard]] std::vector<FeatureImportance> Importances() const;
  /// The files under `model/` (FORMAT.md). kInvalidArgument for a key that is not UTF-8.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files() const;
  /// The same with the models of `base` for all keys but those of this one, byte for byte;
  /// `base_keys` are its Keys(). Keys keep their numbers; those that it does not have come behind.
  /// Precondition: models of one key each. kCorrupt when `base` lacks a file that its keys should
  /// have.
  [[nodiscard]] Result<std::vector<ArtefactFile>> FilesOver(const ModelKeys& base_keys,
                                                            const ForecastVersion& base) const;

 private:
  using ByStepAndKey = std::vector<std::vector<std::optional<TrainedParts>>>;

  TrainedForecast(ForecastModel model, ByStepAndKey parts)
      : model_(std::move(model)), parts_(std::move(parts)) {}
  static Result<std::optional<TrainedForecast>> LearnHistories(const ForecastData& data,
                                                               const TrainingPlan& plan,
                                                               const StepExamples& examples,
                                                               PeriodRange train,
                                                               const OnStage& on_stage);
  [[nodiscard]] Result<std::vector<ArtefactFile>> HistoryFiles() const;
  /// Of the model of a step and key, which is there.
  void Append(std::size_t step, std::size_t key, const std::string& stem,
              std::vector<ArtefactFile>& files) const;
  [[nodiscard]] Result<std::vector<ArtefactFile>> FilesByKey(
      const ModelKeys& base_keys, std::span<const PublishedFile> base) const;

  ForecastModel model_;
  ByStepAndKey parts_;                         ///< As the model's.
  std::vector<ArtefactFile> candidate_files_;  ///< Where the model is one of candidates.
};

}  // namespace forkcast::model
