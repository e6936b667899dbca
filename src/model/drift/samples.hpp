#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace forkcast::model {

// Distances of two samples themselves, without bins. Samples are sorted and have no NaN; each has
// one value at least. O(n + m).

struct KolmogorovSmirnov {
  double d = 0;
  std::int64_t gap = 0;  ///< d n m / gcd(n, m), exact: for TwoSampleTail().
};
/// The greatest difference of two samples' cumulated shares.
[[nodiscard]] KolmogorovSmirnov KolmogorovSmirnovOf(std::span<const double> reference,
                                                    std::span<const double> current);

/// The first Wasserstein distance, in the unit of the values: how far the mass has to be moved.
/// Infinite when one sample reaches infinity, NaN when both do.
[[nodiscard]] double Wasserstein(std::span<const double> reference,
                                 std::span<const double> current);

/// Equal bins for `values` as numpy.histogram_bin_edges() makes them, first and last edge included.
/// By Sturges: log2(n) + 1 bins; by Doane: more for skewed values.
[[nodiscard]] std::vector<double> SturgesEdges(std::span<const double> values);
[[nodiscard]] std::vector<double> DoaneEdges(std::span<const double> values);
/// Values in edges[i] <= x < edges[i+1], the last bin with its upper edge; others in none.
[[nodiscard]] std::vector<double> CountBetween(std::span<const double> values,
                                               std::span<const double> edges);

[[nodiscard]] double MeanOf(std::span<const double> values);
/// Of a population: divided by n.
[[nodiscard]] double PopulationDeviation(std::span<const double> values);

}  // namespace forkcast::model
