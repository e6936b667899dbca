#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"

namespace forkcast::model {

/// One self-contained HTML page (nothing from elsewhere): the verdict, model and baselines by every
/// metric, skill against each baseline; actual values beside forecasts of any key, beginning with
/// `keys` (as FindKeys(); empty: the four with the largest sum of actual values), which are there
/// without scripts, too; errors by step, over time, by size of the key and of those keys that weigh
/// most, calibration, importance of features, and `more` at the end. kInvalidArgument for a key
/// without forecasts.
[[nodiscard]] Result<std::string> ReportPage(const Backtest& backtest, const ForecastData& data,
                                             const std::vector<std::string>& keys,
                                             const std::string& more);

}  // namespace forkcast::model
