#pragma once

#include <cstdint>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/rivalry.hpp"

namespace forkcast::model {

/// A version with what it reads and how.
struct Champion {
  const ForecastVersion& version;
  const ForecastData&
      data;  ///< Whose keys and periods have the numbers that the challenger's have.
  const TrainingPlan& plan;
};

/// That a version forecasts what `data` is of: the same value of a series that is declared alike,
/// as far ahead. kInvalidArgument says what differs.
[[nodiscard]] Status CheckSameForecast(const ForecastData& data, const ForecastVersion& version);

/// What a backtest judged, beside what the champion, as it is, forecasts of the same points as of
/// the same origins, by its own pipeline. Groups are keys within folds. `data` and `plan` are those
/// of the backtest, `keys` those that were judged. As ForecastVersion::Model(),
/// StepExamples::Compute() and ForecastModel::Predict().
[[nodiscard]] Result<Rivalry> CompareForecasts(const Backtest& backtest, const ForecastData& data,
                                               const TrainingPlan& plan,
                                               const std::vector<std::uint32_t>& keys,
                                               const Champion& champion);

}  // namespace forkcast::model
