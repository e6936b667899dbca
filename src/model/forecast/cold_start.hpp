#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "model/evaluate/baselines.hpp"

namespace forkcast::model {

/// What is answered for a key without history or model: the forecast of a baseline; none: nothing,
/// the question is refused.
using ColdStartRule = std::optional<BaselineSpec>;

/// Reads "refuse" or a baseline as ReadBaseline() does. Throws SpecError.
[[nodiscard]] ColdStartRule ReadColdStart(const preprocessing::JsonNode& node);

/// Forecasts of a baseline over what there is: over the key's own values up to the origin; where
/// the baseline has none of these, over those of the average key, whose value in a period is the
/// mean of all keys that have one. So a new product is taken for an average one, in an average
/// week of this season when the baseline is seasonal; 0 would say that nobody ever buys new
/// products. Never changes; thread-safe.
class ColdStart {
 public:
  /// Of the values in `column` of `grid`, which outlives the object. O(all periods of all keys).
  ColdStart(const BaselineSpec& baseline, const preprocessing::GridReader& grid,
            std::size_t column);

  /// The forecast for the step-th period (1..) after `origin`. `key`: its number; none: one that
  /// the series does not have. As ForecastBaseline(), of the average key where both have none.
  [[nodiscard]] BaselineForecast Forecast(std::optional<std::size_t> key,
                                          preprocessing::PeriodIndex origin,
                                          std::size_t step) const;

 private:
  BaselineSpec baseline_;
  const preprocessing::GridReader& grid_;
  std::size_t column_;
  preprocessing::PeriodIndex first_ = 0;  // of the average key
  std::vector<double> average_;
};

}  // namespace forkcast::model
