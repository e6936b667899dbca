#pragma once

#include <memory>

#include "model/evaluate/baselines.hpp"
#include "model/history/history_method.hpp"

namespace forkcast::model {

/// A HistoryMethodKind::make: the baselines of evaluate/baselines.hpp, which learn nothing. As an
/// algorithm {"algorithm": "seasonal_naive", "season": 52, "fallback": "naive"}, {"algorithm":
/// "moving_average", "window": 8}, {"algorithm": "croston", "alpha": 0.1}.
[[nodiscard]] std::unique_ptr<const HistoryMethod> MakeBaselineMethod(
    const preprocessing::JsonNode& declaration);

/// The forecaster of a baseline: what ForecastBaseline() says, bit for bit.
[[nodiscard]] std::unique_ptr<const SeriesForecaster> MakeBaselineForecaster(
    const BaselineSpec& spec);

/// A history with so few values, one value alone, or values that are mostly 0 is nothing for a
/// model of levels and trends. What stands in for it: "naive", or of mostly zeros "sba".
[[nodiscard]] std::optional<LearnedSeries> StandIn(std::span<const double> history,
                                                   std::size_t least_values);
/// The forecaster of what stands in; null for another form.
[[nodiscard]] std::unique_ptr<const SeriesForecaster> MakeStandIn(const LearnedSeries& learned);

}  // namespace forkcast::model
