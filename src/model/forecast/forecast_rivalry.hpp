#pragma once

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/step_examples.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/rivalry.hpp"

namespace forkcast::model {

/// What a backtest judged, beside what `champion`, as it is, forecasts of the same points as of the
/// same origins. Groups are keys within folds. `data`, `plan` and `examples` are those of the
/// backtest, and the champion's pipeline is the same. As ForecastVersion::Model() and
/// ForecastModel::Predict().
[[nodiscard]] Result<Rivalry> CompareForecasts(const Backtest& backtest, const ForecastData& data,
                                               const TrainingPlan& plan,
                                               const StepExamples& examples,
                                               const ForecastVersion& champion);

}  // namespace forkcast::model
