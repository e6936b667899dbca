#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "model/forecast/backtest.hpp"
#include "model/forecast/forecast_data.hpp"

/// What a backtest found of its intervals, as programs and people read it.
namespace forkcast::model {

/// Adds to `json` how good intervals were: `interval_rows`, of each level `coverage_80`,
/// `below_80`, `above_80`, `width_80` and `pinball_80`, and `wis`, `wql`, `sql`; null without rows.
void AddIntervalMetrics(const IntervalSums& sums, std::span<const double> levels,
                        nlohmann::ordered_json& json);

/// Of all rows, and of the parts by the size of keys.
[[nodiscard]] nlohmann::ordered_json IntervalsJson(const IntervalResult& intervals);

/// A table for people; nothing without intervals.
[[nodiscard]] std::string DescribeIntervals(const Backtest& backtest, const ForecastData& data);
/// A section of a page; nothing without intervals.
[[nodiscard]] std::string IntervalsSection(const Backtest& backtest, const ForecastData& data);

}  // namespace forkcast::model
