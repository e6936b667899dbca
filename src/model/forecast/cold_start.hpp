#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/evaluate/baselines.hpp"
#include "model/forecast/key_attribute.hpp"

namespace forkcast::model {

/// What is answered for a key without history or model.
struct ColdStartSpec {
  BaselineSpec baseline;
  /// Attributes by which a key's analogues are those that are like it; empty: all keys are.
  std::vector<std::string> alike{};

  friend bool operator==(const ColdStartSpec&, const ColdStartSpec&) = default;
};
/// None: nothing, the question is refused.
using ColdStartRule = std::optional<ColdStartSpec>;

/// Reads "refuse", a baseline as ReadBaseline() does, or {"baseline": "naive", "alike":
/// ["category"]}. Throws SpecError.
[[nodiscard]] ColdStartRule ReadColdStart(const preprocessing::JsonNode& node);
/// "naive", "naive, alike in category".
[[nodiscard]] std::string NameOf(const ColdStartSpec& rule);

/// Forecasts of a baseline over what there is: over the key's own values up to the origin; where
/// the baseline has none of these, over those of the average key, whose value in a period is the
/// mean of all keys that have one. So a new product is taken for an average one, in an average
/// week of this season when the baseline is seasonal; 0 would say that nobody ever buys new
/// products. With attributes the average is that of the keys that have the same, times what the
/// key's own values are of theirs in the same periods. Never changes; thread-safe.
class ColdStart {
 public:
  /// Of the values in `column` of `grid`, which outlives the object, as `snapshots` do, those of
  /// the series of `spec`. kInvalidArgument as ReadKeyAttribute(). O(all periods of all keys).
  static Result<ColdStart> Make(const ColdStartSpec& rule, const preprocessing::PipelineSpec& spec,
                                std::span<const preprocessing::Snapshot> snapshots,
                                const preprocessing::GridReader& grid, std::size_t column);

  /// The forecast for the step-th period (1..) after `origin`. `number`: that of the key with the
  /// values `key`; none: one that the series does not have. As ForecastBaseline(), of the average
  /// key where both have none. Allocates where the rule has attributes.
  [[nodiscard]] BaselineForecast Forecast(std::optional<std::size_t> number,
                                          std::span<const preprocessing::Value> key,
                                          preprocessing::PeriodIndex origin,
                                          std::size_t step) const;

 private:
  ColdStart(BaselineSpec baseline, const preprocessing::GridReader& grid, std::size_t column,
            std::span<const preprocessing::Snapshot> snapshots)
      : baseline_(std::move(baseline)), grid_(grid), column_(column), snapshots_(snapshots) {}
  /// What the key's own values up to the origin are of an average's in the same periods; 1 without
  /// any.
  [[nodiscard]] double ScaleOf(std::size_t number, std::span<const double> average,
                               preprocessing::PeriodIndex origin) const;

  BaselineSpec baseline_;
  const preprocessing::GridReader& grid_;
  std::size_t column_;
  std::span<const preprocessing::Snapshot> snapshots_;
  std::vector<KeyAttribute> alike_;
  preprocessing::PeriodIndex first_ = 0;                              // of all averages
  std::vector<double> average_;                                       // of all keys
  std::map<std::vector<std::string>, std::vector<double>> averages_;  // of keys that are alike
};

}  // namespace forkcast::model
