#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::preprocessing {

/// How the steps of a horizon are forecast (docs/forecasting.md).
enum class ForecastStrategy {
  kDirect,  ///< One model a step, its features as of the origin.
  kShared,  ///< One model; features as of `horizon` periods before the target, whatever the step.
  kRecursive,  ///< One model of one step; forecasts stand in for the periods between.
  kPooled,     ///< One model of all steps, its features as of the origin.
};
[[nodiscard]] std::string_view ToString(ForecastStrategy strategy) noexcept;
[[nodiscard]] std::optional<ForecastStrategy> ForecastStrategyFromString(
    std::string_view name) noexcept;

/// What a pipeline forecasts: a value of a series with `aggregate`, 1..horizon periods behind the
/// last one known.
struct ForecastSpec {
  std::string series;
  std::string value;
  std::vector<std::string> key;  ///< Request fields, in the order of the series' key columns.
  int horizon = 1;
  ForecastStrategy strategy = ForecastStrategy::kDirect;

  friend bool operator==(const ForecastSpec&, const ForecastSpec&) = default;
};

}  // namespace forkcast::preprocessing
