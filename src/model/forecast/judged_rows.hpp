#pragma once

#include <string>

#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"

namespace forkcast::model {

/// Every judged row as CSV, by fold, step and key: the key as reports show it, the fold (from 1),
/// the step, the period by its first day, what came, what was forecast, the bounds of each of
/// `backtest`'s levels, and the forecasts of baselines. What is not there is empty.
[[nodiscard]] std::string JudgedRowsCsv(const Backtest& backtest, const ForecastData& data);

}  // namespace forkcast::model
