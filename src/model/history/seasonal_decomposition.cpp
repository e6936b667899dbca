#include "model/history/seasonal_decomposition.hpp"

#include <cmath>
#include <numeric>

namespace forkcast::model {
namespace {

double MeanOf(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The centred moving average over a season about `at`; of an even season its two ends count half.
double TrendAt(std::span<const double> values, std::size_t at, std::size_t season) {
  const std::size_t half = season / 2;
  double sum = 0;
  for (std::size_t i = at - half; i <= at + half; ++i) sum += values[i];
  if (season % 2 == 0) sum -= (values[at - half] + values[at + half]) / 2;
  return sum / static_cast<double>(season);
}

}  // namespace

std::vector<double> SeasonalIndices(std::span<const double> values, std::size_t season,
                                    Seasonality seasonality) {
  const bool multiplies = seasonality == Seasonality::kMultiplicative;
  std::vector<double> indices(season, 0);
  std::vector<std::size_t> counts(season, 0);
  const std::size_t half = season / 2;
  for (std::size_t at = half; at + half < values.size(); ++at) {
    const double trend = TrendAt(values, at, season);
    indices[at % season] += multiplies ? values[at] / trend : values[at] - trend;
    ++counts[at % season];
  }
  for (std::size_t phase = 0; phase < season; ++phase) {
    indices[phase] /= static_cast<double>(counts[phase]);
  }
  const double mean = MeanOf(indices);
  for (double& index : indices) index = multiplies ? index / mean : index - mean;
  return indices;
}

bool IsSeasonal(std::span<const double> values, std::size_t season) {
  constexpr std::size_t kLeastSeason = 4;
  constexpr double kNormalQuantile95 = 1.6448536269514722;
  const std::size_t n = values.size();
  if (season < kLeastSeason || n < 2 * season) return false;
  const double mean = MeanOf(values);
  const auto covariance = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t i = lag; i < n; ++i) sum += (values[i] - mean) * (values[i - lag] - mean);
    return sum;
  };
  const double variance = covariance(0);
  if (variance <= 0) return false;
  double squares = 0;
  for (std::size_t lag = 1; lag < season; ++lag) {
    const double correlation = covariance(lag) / variance;
    squares += correlation * correlation;
  }
  const double deviation = std::sqrt((1 + 2 * squares) / static_cast<double>(n));
  return std::abs(covariance(season) / variance) / deviation > kNormalQuantile95;
}

}  // namespace forkcast::model
