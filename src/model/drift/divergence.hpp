#pragma once

#include <span>
#include <vector>

namespace forkcast::model {

// How unlike two distributions over the same bins are. `reference` is what was, `current` what is
// now, one element a bin; counts are doubles so that they divide. Preconditions of all: equally
// many bins, one at least; counts and shares are not negative. O(bins), nothing but SharesOf()
// allocates.

[[nodiscard]] double SumOf(std::span<const double> counts);

/// Counts as parts of `rows`, which may be more than their sum.
[[nodiscard]] std::vector<double> SharesOf(std::span<const double> counts, double rows);

/// Population stability index, sum of (q - p) ln(q / p): Kullback and Leibler's J divergence
/// (1951). Infinite when a bin is empty on one side alone.
[[nodiscard]] double Psi(std::span<const double> reference, std::span<const double> current);
/// Kullback and Leibler's divergence of `reference` from `current`, each divided by its sum;
/// natural logarithm.
[[nodiscard]] double KullbackLeibler(std::span<const double> reference,
                                     std::span<const double> current);

enum class Logarithm { kNatural, kBinary };
/// Jensen and Shannon's distance (Endres and Schindelin 2003), the root of their divergence, of
/// shares each divided by their sum: 0 to sqrt(ln 2), or to 1 in base 2.
[[nodiscard]] double JensenShannon(std::span<const double> reference,
                                   std::span<const double> current, Logarithm logarithm);
/// Hellinger's distance, 0 to 1.
[[nodiscard]] double Hellinger(std::span<const double> reference, std::span<const double> current);
/// Half of the sum of all differences: the share of rows that would have to change bins.
[[nodiscard]] double TotalVariation(std::span<const double> reference,
                                    std::span<const double> current);
/// The greatest difference of one bin's shares.
[[nodiscard]] double LargestShareGap(std::span<const double> reference,
                                     std::span<const double> current);
/// The greatest difference of cumulated shares: Kolmogorov and Smirnov's D as far as the bins tell,
/// which are in order. Less than the samples' D by no more than the share of the fullest bin.
[[nodiscard]] double BinnedKolmogorovSmirnov(std::span<const double> reference,
                                             std::span<const double> current);

struct ChiSquare {
  double statistic = 0;
  double degrees = 0;  ///< Of freedom.
  double p = 1;        ///< That chance alone gives as much or more.
};
/// Pearson's test of counts against the shares of `reference`, taken as exact. A bin that only
/// `current` has makes the statistic infinite.
[[nodiscard]] ChiSquare ChiSquareFit(std::span<const double> reference,
                                     std::span<const double> current);

enum class Yates { kNo, kTwoByTwo };  ///< His correction for continuity.
/// Pearson's test that two rows of counts come from one distribution: unlike ChiSquareFit() it
/// knows that the reference is a sample, too. Bins that are empty on both sides do not count.
[[nodiscard]] ChiSquare ChiSquareHomogeneity(std::span<const double> reference,
                                             std::span<const double> current, Yates yates);

}  // namespace forkcast::model
