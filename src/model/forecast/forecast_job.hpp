#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_model.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// Which part of the past is looked at.
struct DataWindow {
  std::string since;  ///< A timestamp; periods that begin before it are left out. Empty: all.
  std::string until;  ///< A timestamp; periods that end after it are as if they had not happened.
  std::string last;   ///< "120d", "17w" or "4mo": the same as `since`, counted back from the end.
};

/// What a forecast is made from: a pipeline document, its snapshots, and the examples in a window.
class ForecastJob {
 public:
  /// `document` is the pipeline's JSON, `folder` that of its file. kInvalidArgument names the path
  /// in the document, the flag, or the period that is missing; otherwise as ForecastData::Open.
  static Result<std::unique_ptr<ForecastJob>> Load(const nlohmann::ordered_json& document,
                                                   const std::filesystem::path& folder,
                                                   const std::filesystem::path& snapshots,
                                                   const DataWindow& window);
  ForecastJob(const ForecastJob&) = delete;
  ForecastJob& operator=(const ForecastJob&) = delete;

  [[nodiscard]] const preprocessing::PipelineSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] TrainingPlan& plan() noexcept { return plan_; }
  [[nodiscard]] const ForecastData& data() const noexcept { return *data_; }
  /// Periods whose targets are used.
  [[nodiscard]] PeriodRange periods() const noexcept { return periods_; }
  /// Checks what is cheap to check: that the folds fit into the history, and that keys have
  /// targets.
  [[nodiscard]] Status Check() const;
  /// Computes the examples; must come before what follows.
  Status ComputeExamples();
  [[nodiscard]] Result<std::optional<Backtest>> RunBacktest(const OnBacktest& on_stage) const;
  /// Learns from all of the window.
  [[nodiscard]] Result<std::optional<ForecastModel>> TrainOnAll(const OnStage& on_stage) const;

  /// The files of a version: the pipeline document, the models, reference statistics.
  [[nodiscard]] Result<std::vector<ArtefactFile>> Files(const ForecastModel& model,
                                                        const Backtest& backtest) const;
  /// What a version says of itself; the same for the same document, data and seed.
  [[nodiscard]] nlohmann::ordered_json Manifest(const ForecastModel& model,
                                                const Backtest& backtest) const;

 private:
  ForecastJob(nlohmann::ordered_json document, preprocessing::PipelineSpec spec, TrainingPlan plan)
      : document_(std::move(document)), spec_(std::move(spec)), plan_(std::move(plan)) {}
  Status CutWindow(const DataWindow& window);

  nlohmann::ordered_json document_;
  preprocessing::PipelineSpec spec_;
  TrainingPlan plan_;
  std::filesystem::path snapshots_;
  std::unique_ptr<ForecastData> data_;
  PeriodRange periods_;
  StepExamples examples_;
};

}  // namespace forkcast::model
