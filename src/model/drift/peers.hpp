#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace forkcast::model {

// What others' programs say of the same two samples, by their formulas, so that results can be
// compared digit by digit. Read in Evidently a4aa4c2 (0.7), NannyML 4c86ee3 and awslabs/deequ
// (SageMaker Model Monitor). They bin reference and current together or keep all values, so they
// need the samples themselves; our own decision (drift_decision.hpp) needs the reference's bins.

/// Counts of a reference and of what is compared with it, in the same bins.
struct PairedCounts {
  std::vector<double> reference;
  std::vector<double> current;
};

/// One column of numbers, none of them NaN, one on each side at least. The order is that of time.
struct NumberSamples {
  std::span<const double> reference;
  std::span<const double> current;
};

/// Evidently's bins: of equal width, as many as Sturges says for both samples together; one a
/// value where the reference has 20 different ones at most.
[[nodiscard]] PairedCounts EvidentlyBins(const NumberSamples& samples);
/// How Evidently keeps PSI and KL finite: an empty bin gets 0.0001, or a millionth of the smallest
/// other one where that is not above it. Nothing is taken from the others.
void FillAsEvidently(std::vector<double>& shares);
[[nodiscard]] double EvidentlyPsi(const PairedCounts& counts);
[[nodiscard]] double EvidentlyKullbackLeibler(const PairedCounts& counts);
[[nodiscard]] double EvidentlyJensenShannon(const PairedCounts& counts);
/// Of numbers by densities, in Sturges' bins of the different values.
[[nodiscard]] double EvidentlyHellinger(const NumberSamples& samples);
/// In standard deviations of the reference, 0.001 at least.
[[nodiscard]] double EvidentlyWasserstein(const NumberSamples& samples);
/// The p value: by all ways up to 10,000 values a side, above by the one-sample law.
[[nodiscard]] double EvidentlyKolmogorovSmirnov(const NumberSamples& samples);
/// Two-proportion test of the first of two categories. z and p.
struct ZTest {
  double z = 0;
  double p = 1;
};
[[nodiscard]] ZTest EvidentlyZTest(const PairedCounts& counts);

/// NannyML's bins: by Doane of the reference alone; what lies outside of it is one more.
[[nodiscard]] PairedCounts NannyMlBins(const NumberSamples& samples);

/// What deequ's robust distance takes off for the samples' sizes.
[[nodiscard]] double DeequSlack(double reference_rows, double current_rows);

/// What a program finds in one column with its defaults.
struct PeerFinding {
  std::string_view statistic;
  double value = 0;
  double threshold = 0;
  bool drifted = false;
};
/// Categories in the order of their names; one row on each side at least.
[[nodiscard]] PeerFinding ByEvidently(const NumberSamples& samples);
[[nodiscard]] PeerFinding ByEvidently(const PairedCounts& categories);
/// Threshold: mean and three standard deviations over ten pieces of the reference, which therefore
/// has ten values at least.
[[nodiscard]] PeerFinding ByNannyMl(const NumberSamples& samples);
[[nodiscard]] PeerFinding ByDeequ(const NumberSamples& samples);
[[nodiscard]] PeerFinding ByDeequ(const PairedCounts& categories);

}  // namespace forkcast::model
