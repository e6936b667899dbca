#include "model/drift/peers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "model/drift/divergence.hpp"
#include "model/drift/samples.hpp"
#include "model/drift/tail_probability.hpp"

namespace forkcast::model {
namespace {

constexpr double kDistanceThreshold = 0.1;
constexpr double kEvidentlyP = 0.05;

std::vector<double> Sorted(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted;
}

void KeepDifferent(std::vector<double>& sorted) {
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
}

std::vector<double> Joined(const NumberSamples& samples) {
  std::vector<double> both(samples.reference.begin(), samples.reference.end());
  both.insert(both.end(), samples.current.begin(), samples.current.end());
  std::ranges::sort(both);
  return both;
}

double RowsOf(std::span<const double> counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

struct PairedShares {
  std::vector<double> reference;
  std::vector<double> current;
};
PairedShares SharesOfBoth(const PairedCounts& counts) {
  return {SharesOf(counts.reference, RowsOf(counts.reference)),
          SharesOf(counts.current, RowsOf(counts.current))};
}
PairedShares FilledShares(const PairedCounts& counts) {
  PairedShares shares = SharesOfBoth(counts);
  FillAsEvidently(shares.reference);
  FillAsEvidently(shares.current);
  return shares;
}

std::vector<double> CountEach(std::span<const double> values, std::span<const double> different) {
  std::vector<double> counts(different.size());
  for (const double value : values) {
    counts[static_cast<std::size_t>(std::ranges::lower_bound(different, value) -
                                    different.begin())] += 1;
  }
  return counts;
}

PairedCounts CountEachValue(const NumberSamples& samples) {
  std::vector<double> different = Joined(samples);
  KeepDifferent(different);
  return {CountEach(samples.reference, different), CountEach(samples.current, different)};
}

PeerFinding ByP(std::string_view statistic, double p) {
  return {statistic, p, kEvidentlyP, p < kEvidentlyP};
}
PeerFinding ByDistance(std::string_view statistic, double distance) {
  return {statistic, distance, kDistanceThreshold, distance >= kDistanceThreshold};
}

double NannyMlJensenShannon(const NumberSamples& samples) {
  const PairedCounts counts = NannyMlBins(samples);
  return JensenShannon(counts.reference, counts.current, Logarithm::kBinary);
}

PeerFinding ByDeequGap(double gap, double reference_rows, double current_rows) {
  const double robust = std::max(gap - DeequSlack(reference_rows, current_rows), 0.0);
  return {"linf_robust", robust, kDistanceThreshold, robust > kDistanceThreshold};
}

}  // namespace

PairedCounts EvidentlyBins(const NumberSamples& samples) {
  constexpr std::size_t kMostCategories = 20;
  std::vector<double> different = Sorted(samples.reference);
  KeepDifferent(different);
  if (different.size() <= kMostCategories) return CountEachValue(samples);
  const std::vector<double> edges = SturgesEdges(Joined(samples));
  return {CountBetween(samples.reference, edges), CountBetween(samples.current, edges)};
}

void FillAsEvidently(std::vector<double>& shares) {
  constexpr double kFill = 0.0001;
  constexpr double kMillionth = 1e-6;
  double smallest = 1;
  for (const double share : shares) {
    if (share > 0) smallest = std::min(smallest, share);
  }
  std::ranges::replace(shares, 0.0, smallest <= kFill ? smallest * kMillionth : kFill);
}

double EvidentlyPsi(const PairedCounts& counts) {
  const PairedShares shares = FilledShares(counts);
  return Psi(shares.reference, shares.current);
}

double EvidentlyKullbackLeibler(const PairedCounts& counts) {
  const PairedShares shares = FilledShares(counts);
  return KullbackLeibler(shares.reference, shares.current);
}

double EvidentlyJensenShannon(const PairedCounts& counts) {
  return JensenShannon(counts.reference, counts.current, Logarithm::kNatural);
}

double EvidentlyHellinger(const NumberSamples& samples) {
  std::vector<double> different = Joined(samples);
  KeepDifferent(different);
  const std::vector<double> edges = SturgesEdges(different);
  return Hellinger(
      SharesOf(CountBetween(samples.reference, edges),
               static_cast<double>(samples.reference.size())),
      SharesOf(CountBetween(samples.current, edges), static_cast<double>(samples.current.size())));
}

double EvidentlyWasserstein(const NumberSamples& samples) {
  constexpr double kLeastDeviation = 0.001;
  return Wasserstein(Sorted(samples.reference), Sorted(samples.current)) /
         std::max(PopulationDeviation(samples.reference), kLeastDeviation);
}

double EvidentlyKolmogorovSmirnov(const NumberSamples& samples) {
  constexpr std::size_t kMostExact = 10'000;
  const std::size_t n = samples.reference.size();
  const std::size_t m = samples.current.size();
  const KolmogorovSmirnov found =
      KolmogorovSmirnovOf(Sorted(samples.reference), Sorted(samples.current));
  if (std::max(n, m) <= kMostExact) return TwoSampleTail(found.gap, n, m);
  const double effective =
      static_cast<double>(n) * static_cast<double>(m) / static_cast<double>(n + m);
  return KolmogorovTail(found.d, static_cast<std::size_t>(std::nearbyint(effective)));
}

ZTest EvidentlyZTest(const PairedCounts& counts) {
  const double n = RowsOf(counts.reference);
  const double m = RowsOf(counts.current);
  const double reference = counts.reference.front() / n;
  const double current = counts.current.front() / m;
  const double pooled = (counts.reference.front() + counts.current.front()) / (n + m);
  const double deviation = std::sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  if (deviation == 0) return {};
  const double z = (current - reference) / deviation;
  return {z, NormalTails(z)};
}

PairedCounts NannyMlBins(const NumberSamples& samples) {
  const std::vector<double> edges = DoaneEdges(samples.reference);
  PairedCounts counts{CountBetween(samples.reference, edges), CountBetween(samples.current, edges)};
  counts.reference.push_back(0);
  counts.current.push_back(static_cast<double>(samples.current.size()) - RowsOf(counts.current));
  return counts;
}

double DeequSlack(double reference_rows, double current_rows) {
  constexpr double kAlphaThreePerMille = 1.8;
  return kAlphaThreePerMille *
         std::sqrt((reference_rows + current_rows) / (reference_rows * current_rows));
}

PeerFinding ByEvidently(const NumberSamples& samples) {
  constexpr std::size_t kSmallReference = 1000;
  constexpr std::size_t kFewValues = 5;
  const PairedCounts values = CountEachValue(samples);
  const std::size_t different = values.reference.size();
  if (samples.reference.size() > kSmallReference) {
    if (different > kFewValues) {
      return ByDistance("wasserstein_normed", EvidentlyWasserstein(samples));
    }
    return ByDistance("jensen_shannon", EvidentlyJensenShannon(values));
  }
  if (different > kFewValues) {
    const double p = EvidentlyKolmogorovSmirnov(samples);
    return {"kolmogorov_smirnov_p", p, kEvidentlyP, p <= kEvidentlyP};
  }
  return ByEvidently(values);
}

PeerFinding ByEvidently(const PairedCounts& categories) {
  constexpr double kSmallReference = 1000;
  if (RowsOf(categories.reference) > kSmallReference) {
    return ByDistance("jensen_shannon", EvidentlyJensenShannon(categories));
  }
  if (categories.reference.size() > 2) {
    return ByP("chi_square_p", ChiSquareFit(categories.reference, categories.current).p);
  }
  return ByP("z_test_p", EvidentlyZTest(categories).p);
}

PeerFinding ByNannyMl(const NumberSamples& samples) {
  constexpr std::size_t kPieces = 10;
  const std::size_t piece = samples.reference.size() / kPieces;
  std::array<double, kPieces> distances{};
  for (std::size_t i = 0; i < kPieces; ++i) {
    distances[i] =
        NannyMlJensenShannon({samples.reference, samples.reference.subspan(i * piece, piece)});
  }
  const double threshold = std::min(MeanOf(distances) + 3 * PopulationDeviation(distances), 1.0);
  const double distance = NannyMlJensenShannon(samples);
  return {"jensen_shannon", distance, threshold, distance > threshold};
}

PeerFinding ByDeequ(const NumberSamples& samples) {
  return ByDeequGap(KolmogorovSmirnovOf(Sorted(samples.reference), Sorted(samples.current)).d,
                    static_cast<double>(samples.reference.size()),
                    static_cast<double>(samples.current.size()));
}

PeerFinding ByDeequ(const PairedCounts& categories) {
  const PairedShares shares = SharesOfBoth(categories);
  return ByDeequGap(LargestShareGap(shares.reference, shares.current), RowsOf(categories.reference),
                    RowsOf(categories.current));
}

}  // namespace forkcast::model
