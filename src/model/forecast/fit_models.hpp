#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/fit.hpp"

namespace forkcast::model {

struct TrainingStage {
  std::size_t done = 0;
  std::size_t total = 0;  ///< Models or, of a single one, its rounds.
};
/// Called now and then, from the thread that trains; false cancels.
using OnStage = std::function<bool(const TrainingStage&)>;

/// One model to train.
struct ModelTask {
  std::size_t step = 0;                              ///< From 0.
  std::optional<std::size_t> key;                    ///< In the data; none: for all keys.
  std::vector<std::uint32_t> rows;                   ///< Of the step's examples, sorted by period.
  std::string name{};                                ///< With plan.fits: as ModelFits::Fit().
  std::optional<TrainedPredictor>* model = nullptr;  ///< Where it goes.
};

/// Whether rows of `examples`, sorted by period, are enough for a model of their own.
[[nodiscard]] bool AreEnough(const TrainingPlan& plan, const PointExamples& examples,
                             std::span<const std::uint32_t> rows);

/// Trains the models of `tasks` from their rows, which it takes. False when `on_stage` cancelled;
/// of several errors that of the first task, which its message names.
Result<bool> FitModels(const ForecastData& data, const TrainingPlan& plan,
                       const StepExamples& examples, std::span<ModelTask> tasks,
                       const OnStage& on_stage);

}  // namespace forkcast::model
