#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/table.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// What forecasts are made of.
struct ForecastSources {
  const preprocessing::PipelineSpec& spec;  ///< With a forecast.
  const TrainingPlan& plan;
  const ForecastModel& model;
  std::span<const preprocessing::Snapshot> snapshots;  ///< Of the spec's series.
  const preprocessing::GridReader& grid;               ///< Of the series that is forecast.
};

/// What a step came to.
enum class StepOutcome {
  kForecast,  ///< A value; NaN where its target transform has nothing to refer to.
  kNoModel,   ///< The key has none for this step.
  kRefused,   ///< A feature could not be computed, or its data are too old.
};
struct StepResult {
  StepOutcome outcome = StepOutcome::kForecast;
  double value = 0;  ///< NaN unless it is a forecast.
};

/// What the model's score of a step is made of.
struct StepExplanation {
  bool is_there = false;
  double base = 0;
  double score = 0;
  std::vector<double> contributions{};  ///< By the pipeline's features.
};

/// As of when steps are forecast.
struct ForecastOrigin {
  preprocessing::PeriodIndex period = 0;  ///< The last one known.
  /// When it is asked, see FeatureMoment.
  std::optional<Instant> asked_at{};
  std::optional<Instant> known_by{};                    ///< Likewise.
  std::span<const preprocessing::AssumedPlan> plans{};  ///< Likewise.
};

/// Forecasts steps of one key after the other, each as of any origin. The one place that knows what
/// the strategies mean once there is a model: what is read as of when, which model answers, what
/// stands in for what has not happened yet. Training judges recursive forecasts with it, and
/// whoever serves makes all of them with it.
/// Holds scratch memory: one object a thread.
class StepForecaster {
 public:
  /// All that `sources` refers to outlives the object.
  explicit StepForecaster(const ForecastSources& sources);

  /// Looks up the key in row `row` of `rows` (schema: the pipeline's request fields), which stays
  /// as it is until the next Select(). Precondition: no field of the key is missing.
  void Select(const preprocessing::Table& rows, std::size_t row);
  /// The selected key's number in the grid; none when its series has no period.
  [[nodiscard]] std::optional<std::size_t> key() const noexcept { return key_; }

  /// Its values; views of what was selected.
  [[nodiscard]] std::span<const preprocessing::Value> key_values() const noexcept {
    return key_values_;
  }

  /// Forecasts the steps `first` (1..) and on, one a result. A key whose periods end before the
  /// origin has missing values from there on. In a recursive forecast, earlier steps that have no
  /// forecast are missing, too. kInvalidArgument where a feature's value is nothing that the model
  /// can read, such as a category that it refuses to guess at.
  /// Precondition: Select(), and the last step is not beyond the horizon.
  Status Forecast(const ForecastOrigin& origin, std::size_t first, std::span<StepResult> results);
  /// What the last Forecast() computed: results x the pipeline's features; missing for a result
  /// without a model, or that was refused.
  [[nodiscard]] std::span<const preprocessing::Value> features() const noexcept {
    return std::span(features_).subspan((first_ - 1) * computer_.feature_count());
  }
  /// From now on, whether forecasts are explained, too.
  void Explain(bool wanted) noexcept;
  /// Of the last Forecast(), by result; nothing of one without a model, or one that was refused. Of
  /// candidates the mean, weighted as their forecasts are.
  /// Precondition: Explain(true), and the model is explained().
  [[nodiscard]] std::span<const StepExplanation> explanations() const noexcept {
    return std::span(explanations_).subspan(first_ - 1);
  }
  /// Why, of the last Forecast()'s first result that was refused; it names the feature.
  [[nodiscard]] const std::optional<Error>& refusal() const noexcept { return refusal_; }
  /// The series whose data were older than they may be, and that are answered with a flag.
  [[nodiscard]] preprocessing::SeriesMask stale() const noexcept { return stale_; }

 private:
  /// Steps whose forecasts do not need each other and come from the same model.
  struct Run {
    std::size_t first = 1;
    std::size_t last = 1;
    const Predictor* model = nullptr;  // none: the key has none
  };

  [[nodiscard]] Run RunFrom(std::size_t step, std::size_t last) const noexcept;
  Status ForecastRun(const ForecastOrigin& origin, const Run& run);
  /// Of a model that learned from histories.
  void ForecastHistory(const ForecastOrigin& origin);
  /// Of candidates: each forecasts for itself.
  Status ForecastBlended(const ForecastOrigin& origin, std::size_t first,
                         std::span<StepResult> results);
  /// What the candidates' results of a step, counted from the first that was asked for, come to.
  [[nodiscard]] StepResult Blended(std::size_t step);
  /// The same of what their forecasts are made of.
  [[nodiscard]] StepExplanation BlendedExplanation(std::size_t step) const;
  /// How many periods the key's series lacks until it reaches `seen`.
  [[nodiscard]] std::size_t PeriodsMissingUntil(preprocessing::PeriodIndex seen) const noexcept;
  Status Compute(const ForecastOrigin& origin, std::size_t step);
  [[nodiscard]] std::span<preprocessing::Value> FeaturesOf(std::size_t step) noexcept {
    const std::size_t width = computer_.feature_count();
    return std::span(features_).subspan((step - 1) * width, width);
  }
  Status Encode(const Predictor& model, std::size_t step);
  /// Of the rows that the model has answered.
  void ExplainRun(const Predictor& model);

  ForecastSources sources_;
  std::size_t series_;  // that is forecast
  std::vector<std::size_t> key_columns_;
  preprocessing::FeatureComputer computer_;
  // What Select() found.
  std::optional<std::size_t> key_;
  std::optional<std::size_t> model_key_;
  // What Forecast() says besides its results.
  std::size_t first_ = 1;  // step that was asked for
  std::optional<Error> refusal_;
  preprocessing::SeriesMask stale_ = 0;
  // Scratch.
  std::vector<preprocessing::Value> key_values_;
  std::string key_bytes_;
  std::vector<preprocessing::Value> features_;  // of all steps up to the last
  std::vector<double> assumed_;
  std::vector<StepResult> results_;  // of all steps up to the last
  // Rows that a run has features for: by row, but for inputs_, which is row-major.
  std::vector<std::size_t> steps_;
  std::vector<float> inputs_;
  std::vector<TargetReference> references_;
  std::vector<double> values_;
  bool explains_ = false;
  std::vector<StepExplanation> explanations_;  // of all steps up to the last
  Explanation explanation_;
  // Of a model that learned from histories.
  std::size_t column_ = 0;  // that is forecast
  HistoryScratch history_;
  // Of candidates, those that are used.
  std::vector<std::size_t> members_;
  std::vector<StepForecaster> steps_of_;             // by member
  std::vector<std::vector<StepResult>> results_of_;  // the same
  std::span<const double> weights_;                  // of the selected key, by candidate
  std::vector<double> forecasts_;                    // by candidate
};

}  // namespace forkcast::model
