#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/candidate_weights.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/history_model.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// A forecast of one point as of an origin.
struct Forecast {
  ForecastPoint point;
  std::size_t step = 1;
  double value = 0;  ///< NaN: a feature could not be computed, or the key has no model.
};

/// Whether forecasts can be said what they are made of.
enum class Explained {
  kYes,
  kNotPublished,    ///< Models were published without an explainer.
  kFromHistory,     ///< Some keys are forecast from their history, without features.
  kNotOfOneAnswer,  ///< A mean of candidates that learned other things than the target's value.
};

/// All models of a pipeline: one a step where the strategy is direct, one a key where the scope is
/// per key. Keys are known by their values, so that a model can forecast from other data than those
/// it was trained on.
class ForecastModel {
 public:
  /// By step (one, unless direct), then by key (one, unless per key); none for a key without
  /// examples.
  using Predictors = std::vector<std::vector<std::optional<Predictor>>>;

  /// Of models that were trained; `keys`: those of the scope per key, whose missing steps are noted
  /// here.
  ForecastModel(ModelScope scope, ModelKeys keys, Predictors predictors);
  /// Of what was learned from histories: of each of `keys`, or of a method that learns nothing
  /// without any, for all.
  ForecastModel(ModelScope scope, ModelKeys keys, std::shared_ptr<const HistoryModel> history);
  /// Of a plan's candidates, null for those that no key's weights use.
  ForecastModel(std::vector<std::shared_ptr<const ForecastModel>> candidates,
                CandidateWeights weights);

  /// Reads back what TrainedForecast::Files() wrote (FORMAT.md), of a pipeline with the forecast,
  /// the features and the plan it was trained with. `files` may hold others beside those under
  /// `model/`; they are as they were published, which Registry::Check looks at. kCorrupt with the
  /// file's name: one that is missing, cannot be read, does not fit to the pipeline or to the file
  /// beside it, or belongs to nothing. Forests stay mapped, and what is alike in several models is
  /// there once. Models are read on the plan's number of threads.
  static Result<ForecastModel> Load(std::span<const PublishedFile> files,
                                    const preprocessing::PipelineSpec& spec,
                                    const TrainingPlan& plan);

  /// The keys of such a version alone.
  static Result<ModelKeys> LoadKeys(std::span<const PublishedFile> files,
                                    const preprocessing::PipelineSpec& spec,
                                    const TrainingPlan& plan);

  /// Forecasts the points of `examples` in the periods `origin` + 1 .. `origin` + horizon, as of
  /// the end of period `origin`; sorted by step and then by key. Keys without a model have none,
  /// nor have those that had ended by then.
  [[nodiscard]] Result<std::vector<Forecast>> Predict(const ForecastData& data,
                                                      const TrainingPlan& plan,
                                                      const StepExamples& examples,
                                                      std::int64_t origin) const;

  /// Of a key's EncodeKey() bytes: the number by which ModelOf() knows it. None for one that has no
  /// model of its own and none that is for all.
  [[nodiscard]] std::optional<std::size_t> FindKey(std::string_view key) const noexcept;
  /// What forecasts `step` (1..) for a key; null where there is none.
  [[nodiscard]] const Predictor* ModelOf(std::size_t step, std::size_t key) const noexcept;

  /// What was learned from histories; null where it was from features.
  [[nodiscard]] const HistoryModel* history() const noexcept { return history_.get(); }
  /// Not empty: the model is a mean of these, as weights() say, and has nothing else.
  [[nodiscard]] const std::vector<std::shared_ptr<const ForecastModel>>& candidates()
      const noexcept {
    return candidates_;
  }
  [[nodiscard]] const CandidateWeights& weights() const noexcept { return weights_; }
  /// Whether some key is forecast from its history alone, without features.
  [[nodiscard]] bool reads_histories() const noexcept;

  [[nodiscard]] ModelScope scope() const noexcept { return scope_; }
  [[nodiscard]] const Predictors& predictors() const noexcept { return predictors_; }
  [[nodiscard]] std::size_t model_count() const noexcept;
  /// Whether all forecasts can be said what they are made of, and if not, why.
  [[nodiscard]] Explained explained() const;
  /// In what contributions add up; alike in all models. Precondition: explained() is kYes.
  [[nodiscard]] ContributionScale contribution_scale() const;
  /// The keys that have models of their own; none where one model is for all.
  [[nodiscard]] const ModelKeys& keys() const noexcept { return keys_; }

 private:
  /// A row of examples, and how far ahead of its origin it is.
  struct StepRow {
    std::size_t step = 1;
    std::uint32_t row = 0;
  };

  /// Throw SpecError.
  static Result<ForecastModel> LoadHistory(std::span<const PublishedFile> files,
                                           const preprocessing::PipelineSpec& spec,
                                           const TrainingPlan& plan);
  static Result<ForecastModel> LoadCandidates(std::span<const PublishedFile> files,
                                              const preprocessing::PipelineSpec& spec,
                                              const TrainingPlan& plan);
  /// As Predict(), whether keys have ended or not.
  [[nodiscard]] Result<std::vector<Forecast>> PredictAll(const ForecastData& data,
                                                         const TrainingPlan& plan,
                                                         const StepExamples& examples,
                                                         std::int64_t origin) const;
  /// Key by key, as whoever serves does it.
  [[nodiscard]] Result<std::vector<Forecast>> PredictByKey(const ForecastData& data,
                                                           const TrainingPlan& plan,
                                                           const PointExamples& known,
                                                           std::int64_t origin) const;
  [[nodiscard]] Result<std::vector<Forecast>> PredictBlended(const ForecastData& data,
                                                             const TrainingPlan& plan,
                                                             const StepExamples& examples,
                                                             std::int64_t origin) const;
  /// Of rows whose steps all have the same model.
  [[nodiscard]] Result<std::vector<Forecast>> PredictRows(const ForecastData& data,
                                                          const TrainingPlan& plan,
                                                          const PointExamples& examples,
                                                          std::span<const StepRow> rows) const;

  ModelScope scope_ = ModelScope::kGlobal;
  ModelKeys keys_;  // of the scope per key
  Predictors predictors_;
  std::shared_ptr<const HistoryModel> history_;
  std::vector<std::shared_ptr<const ForecastModel>> candidates_;
  CandidateWeights weights_;
};

}  // namespace forkcast::model
