#include "model/drift/samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numeric>

namespace forkcast::model {
namespace {

double RangeOf(std::span<const double> values) {
  return std::ranges::max(values) - std::ranges::min(values);
}

std::vector<double> EqualBins(std::span<const double> values, double width) {
  double first = std::ranges::min(values);
  double last = std::ranges::max(values);
  const double bins = width > 0 ? std::max(std::ceil((last - first) / width), 1.0) : 1.0;
  if (first == last) {
    first -= 0.5;
    last += 0.5;
  }
  const double step = (last - first) / bins;
  std::vector<double> edges;
  for (double i = 0; i < bins; ++i) edges.push_back(first + i * step);
  edges.push_back(last);
  return edges;
}

/// Calls `visit` with the cumulated counts of both samples behind each of their values but the
/// last, that value and the next.
template <typename Visit>
void EachGap(std::span<const double> reference, std::span<const double> current, Visit visit) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < reference.size() || j < current.size()) {
    const bool from_reference =
        j == current.size() || (i < reference.size() && reference[i] <= current[j]);
    const double value = from_reference ? reference[i] : current[j];
    while (i < reference.size() && reference[i] == value) ++i;
    while (j < current.size() && current[j] == value) ++j;
    if (i == reference.size() && j == current.size()) return;
    const bool next_from_reference =
        j == current.size() || (i < reference.size() && reference[i] <= current[j]);
    visit(i, j, value, next_from_reference ? reference[i] : current[j]);
  }
}

}  // namespace

KolmogorovSmirnov KolmogorovSmirnovOf(std::span<const double> reference,
                                      std::span<const double> current) {
  const auto divisor = static_cast<std::int64_t>(std::gcd(reference.size(), current.size()));
  const std::int64_t n_step = static_cast<std::int64_t>(current.size()) / divisor;
  const std::int64_t m_step = static_cast<std::int64_t>(reference.size()) / divisor;
  KolmogorovSmirnov result;
  EachGap(reference, current, [&](std::size_t i, std::size_t j, double, double) {
    const std::int64_t gap =
        std::abs(static_cast<std::int64_t>(i) * n_step - static_cast<std::int64_t>(j) * m_step);
    result.gap = std::max(result.gap, gap);
  });
  const double whole = static_cast<double>(n_step) * static_cast<double>(reference.size());
  result.d = static_cast<double>(result.gap) / whole;
  return result;
}

double Wasserstein(std::span<const double> reference, std::span<const double> current) {
  double sum = 0;
  const auto n = static_cast<double>(reference.size());
  const auto m = static_cast<double>(current.size());
  // What lies at infinity on both sides cannot be told apart (inf - inf).
  if (std::isinf(reference.back()) && reference.back() == current.back()) return NAN;
  EachGap(reference, current, [&](std::size_t i, std::size_t j, double value, double next) {
    const double gap = std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m);
    if (gap > 0) sum += gap * (next - value);
  });
  return sum;
}

std::vector<double> SturgesEdges(std::span<const double> values) {
  const double bins = std::log2(static_cast<double>(values.size())) + 1;
  return EqualBins(values, RangeOf(values) / bins);
}

std::vector<double> DoaneEdges(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double deviation = PopulationDeviation(values);
  if (values.size() < 3 || deviation == 0) return EqualBins(values, 0);
  const double skew_deviation = std::sqrt(6 * (n - 2) / ((n + 1) * (n + 3)));
  const double mean = MeanOf(values);
  double skew = 0;
  for (const double value : values) skew += std::pow((value - mean) / deviation, 3);
  skew /= n;
  const double bins = 1 + std::log2(n) + std::log2(1 + std::abs(skew) / skew_deviation);
  return EqualBins(values, RangeOf(values) / bins);
}

std::vector<double> CountBetween(std::span<const double> values, std::span<const double> edges) {
  std::vector<double> counts(edges.size() - 1);
  for (const double value : values) {
    if (value < edges.front() || value > edges.back()) continue;
    const auto above = std::ranges::upper_bound(edges, value) - edges.begin();
    counts[std::min(static_cast<std::size_t>(above) - 1, counts.size() - 1)] += 1;
  }
  return counts;
}

double MeanOf(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double PopulationDeviation(std::span<const double> values) {
  const double mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace forkcast::model
