#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"

namespace forkcast::model {

/// One self-contained HTML page (no script, nothing from elsewhere): the verdict, model and
/// baselines by every metric, error by step, skill against each baseline, importance of features,
/// and actual values beside forecasts for `keys` (as FindKeys(); empty: the four with the largest
/// sum of actual values), and `more` at the end. kInvalidArgument for a key without forecasts.
[[nodiscard]] Result<std::string> ReportPage(const Backtest& backtest, const ForecastData& data,
                                             const std::vector<std::string>& keys,
                                             const std::string& more);

}  // namespace forkcast::model
