#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/trained_forecast.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/model_files.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// A key that has too few values for a model of its own, as far as values alone tell it.
struct YoungKey {
  std::uint32_t key = 0;
  std::size_t values = 0;          ///< In all periods that are used.
  std::vector<std::size_t> folds;  ///< Those (from 1) in which it has no model.
  bool is_in_version = true;       ///< Whether all its values are enough.
};

/// A backtest with the data it was made of, which outlive it.
class ForecastValidation final : public Validation {
 public:
  ForecastValidation(Backtest backtest, const ForecastData& data)
      : backtest_(std::move(backtest)), data_(data) {}

  [[nodiscard]] std::optional<double> value() const noexcept override { return backtest_.value(); }
  [[nodiscard]] bool beats_baselines() const noexcept override {
    return backtest_.beats_baselines();
  }
  [[nodiscard]] bool is_of_enough() const noexcept override { return backtest_.shortfalls.empty(); }
  [[nodiscard]] nlohmann::ordered_json ToJson() const override;
  [[nodiscard]] std::string Describe() const override;
  [[nodiscard]] Result<std::string> ReportPage(const std::vector<std::string>& keys,
                                               const std::string& more) const override;
  [[nodiscard]] Result<std::string> JudgedRows() const override;

  [[nodiscard]] const Backtest& backtest() const noexcept { return backtest_; }

 private:
  Backtest backtest_;
  const ForecastData& data_;
};

/// A pipeline with `forecast`: its document, its snapshots, and the examples in a window.
class ForecastJob final : public TrainingJob {
 public:
  /// kInvalidArgument names the path in the document, the flag, or the period that is missing;
  /// otherwise as ForecastData::Open.
  static Result<std::unique_ptr<TrainingJob>> Load(const nlohmann::ordered_json& document,
                                                   const JobSources& sources);
  /// The same for those who know that it is one.
  static Result<std::unique_ptr<ForecastJob>> Open(const nlohmann::ordered_json& document,
                                                   const JobSources& sources);
  ForecastJob(const ForecastJob&) = delete;
  ForecastJob& operator=(const ForecastJob&) = delete;

  [[nodiscard]] const std::string& name() const noexcept override { return spec_.name; }
  [[nodiscard]] const SearchSpec* search() const noexcept override {
    return plan_.search ? &*plan_.search : nullptr;
  }
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> With(
      const nlohmann::ordered_json& document) const override;
  [[nodiscard]] JobSummary Summary() const override;
  [[nodiscard]] Status CheckReportKeys(const std::vector<std::string>& keys) const override;
  /// That there are data, that the folds fit into the history, that the metric is defined in them,
  /// and that keys have targets; of keys that were chosen, each.
  [[nodiscard]] Status Check() const override;
  [[nodiscard]] nlohmann::ordered_json Origin() const override;
  Result<bool> TrainShard(std::size_t point, const OnProgress& on_progress) override;
  Status ComputeExamples() override;
  Result<const Validation*> Validate(const OnProgress& on_progress) override;
  /// Any that forecasts the same: of whatever pipeline, as CheckSameForecast().
  [[nodiscard]] Status CheckRival(const VersionInfo& champion) const override;
  [[nodiscard]] Result<Rivalry> CompareWith(const VersionInfo& champion) const override;
  [[nodiscard]] Result<std::optional<Artefact>> TrainOnAll(
      const OnProgress& on_progress) const override;

  /// Trains and judges these keys alone (their numbers in data(), none twice); must come before
  /// Check().
  void UseKeys(std::vector<std::uint32_t> keys) {
    keys_ = std::move(keys);
    are_keys_chosen_ = true;
  }
  [[nodiscard]] const ForecastData& data() const noexcept { return *data_; }
  /// Those that are trained and judged; all, unless told otherwise.
  [[nodiscard]] const std::vector<std::uint32_t>& keys() const noexcept { return keys_; }
  /// Whose targets are used.
  [[nodiscard]] PeriodRange periods() const noexcept { return periods_; }

  // The parts of the artefact, after Validate().
  [[nodiscard]] Result<std::optional<TrainedForecast>> Train(const OnProgress& on_progress) const;
  [[nodiscard]] ArtefactFile PipelineFile() const { return model::PipelineFile(document_); }
  /// What a version says of itself.
  [[nodiscard]] nlohmann::ordered_json Manifest(const ForecastModel& model) const;
  /// Those of keys() that `model` has nothing for, each with its values: {"key": ["c"], "values":
  /// 3}.
  [[nodiscard]] nlohmann::ordered_json KeysWithout(const ForecastModel& model) const;
  /// Examples of a key, over all models.
  [[nodiscard]] std::size_t RowsOf(std::uint32_t key) const;
  /// What the validation says of a key.
  [[nodiscard]] nlohmann::ordered_json VerdictOn(std::uint32_t key) const;

 private:
  ForecastJob(nlohmann::ordered_json document, preprocessing::PipelineSpec spec, TrainingPlan plan,
              JobSources sources)
      : document_(std::move(document)),
        spec_(std::move(spec)),
        plan_(std::move(plan)),
        sources_(std::move(sources)) {}
  /// A job without data yet.
  static Result<std::unique_ptr<ForecastJob>> Plan(const nlohmann::ordered_json& document,
                                                   const JobSources& sources);
  /// Those that are trained, of which the plan's are judged.
  [[nodiscard]] nlohmann::ordered_json Libraries() const;
  /// What a version reads, the same rows of what is forecast among it.
  [[nodiscard]] Result<std::unique_ptr<ForecastData>> DataOf(const ForecastVersion& version) const;
  Status CutWindow(const DataWindow& window);
  /// Of a plan with one model a key.
  [[nodiscard]] std::vector<YoungKey> YoungKeys() const;
  [[nodiscard]] Status CheckYoungKeys() const;
  /// That there can be errors enough in `folds` for the plan's intervals.
  [[nodiscard]] Status CheckIntervals(const ValidationFolds& folds) const;
  /// Values of a key in periods of which targets are used.
  [[nodiscard]] std::size_t ValuesOf(std::uint32_t key, PeriodRange periods) const {
    return KnownPoints(*data_, periods, {&key, 1}).size();
  }
  /// The pipeline document, the models, reference statistics.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files(const TrainedForecast& trained) const;

  nlohmann::ordered_json document_;
  preprocessing::PipelineSpec spec_;
  TrainingPlan plan_;
  JobSources sources_;
  std::unique_ptr<ForecastData> data_;
  PeriodRange periods_;
  std::vector<std::uint32_t> keys_;
  bool are_keys_chosen_ = false;
  StepExamples examples_;
  std::optional<ForecastValidation> validation_;
};

}  // namespace forkcast::model
