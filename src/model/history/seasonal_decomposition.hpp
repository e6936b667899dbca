#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace forkcast::model {

enum class Seasonality { kAdditive, kMultiplicative };

/// Classical decomposition by moving averages (Kendall and Stuart 1983; Hyndman and Athanasopoulos,
/// Forecasting: principles and practice, section 3.4): what each of the `season` phases adds to the
/// trend, 0 on average, or multiplies it by, 1 on average. Phase 0 is that of the first value.
/// Precondition: values.size() >= 2 * season, all finite, and of kMultiplicative greater than 0.
[[nodiscard]] std::vector<double> SeasonalIndices(std::span<const double> values,
                                                  std::size_t season, Seasonality seasonality);

/// Whether the autocorrelation at the lag of a season is beyond chance: a one-sided test of 95 % by
/// Bartlett's formula, as the Theta method has it (Fiorucci et al. 2016). False for seasons below 4
/// and histories of less than two of them.
[[nodiscard]] bool IsSeasonal(std::span<const double> values, std::size_t season);

}  // namespace forkcast::model
