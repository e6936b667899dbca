#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/evaluate/metrics.hpp"
#include "model/evaluate/walk_forward.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/training_plan.hpp"

namespace forkcast::model {

/// How rules for keys without a history of their own would have done with the keys that were new
/// at some time: each as of the period before its first, and of as many behind it as are forecast.
struct NewKeyTrial {
  struct Rule {
    std::string name;
    ErrorSums before{};  ///< Without a past.
    ErrorSums after{};   ///< With some periods of it.
  };
  std::size_t keys = 0;
  std::vector<Rule> rules;  ///< In the plan's order; of rows that every rule has a forecast for.
};
[[nodiscard]] nlohmann::ordered_json ToJson(const NewKeyTrial& trial);

/// Of those of `keys` that begin a horizon or more behind the first of `periods`. As
/// ColdStart::Make().
[[nodiscard]] Result<NewKeyTrial> TryOnNewKeys(const ForecastData& data, const TrainingPlan& plan,
                                               std::span<const std::uint32_t> keys,
                                               PeriodRange periods);

}  // namespace forkcast::model
