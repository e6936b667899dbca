#include "model/drift/divergence.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>

#include "model/drift/tail_probability.hpp"

namespace forkcast::model {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// p ln(p / q), 0 where p is.
double RelativeEntropy(double p, double q) {
  if (p == 0) return 0;
  return q == 0 ? kInf : p * std::log(p / q);
}

}  // namespace

double SumOf(std::span<const double> counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

std::vector<double> SharesOf(std::span<const double> counts, double rows) {
  std::vector<double> shares(counts.begin(), counts.end());
  for (double& share : shares) share /= rows;
  return shares;
}

double Psi(std::span<const double> reference, std::span<const double> current) {
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double p = reference[i];
    const double q = current[i];
    if (p == q) continue;
    if (p == 0 || q == 0) return kInf;
    sum += (q - p) * std::log(q / p);
  }
  return sum;
}

double KullbackLeibler(std::span<const double> reference, std::span<const double> current) {
  const double reference_sum = SumOf(reference);
  const double current_sum = SumOf(current);
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    sum += RelativeEntropy(reference[i] / reference_sum, current[i] / current_sum);
  }
  return sum;
}

double JensenShannon(std::span<const double> reference, std::span<const double> current,
                     Logarithm logarithm) {
  const double reference_sum = SumOf(reference);
  const double current_sum = SumOf(current);
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double p = reference[i] / reference_sum;
    const double q = current[i] / current_sum;
    const double middle = (p + q) / 2;
    sum += RelativeEntropy(p, middle) + RelativeEntropy(q, middle);
  }
  const double unit = logarithm == Logarithm::kBinary ? std::numbers::ln2 : 1.0;
  // Rounding may leave equal distributions a little below zero.
  return std::sqrt(std::max(sum, 0.0) / (2 * unit));
}

double Hellinger(std::span<const double> reference, std::span<const double> current) {
  double affinity = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    affinity += std::sqrt(reference[i] * current[i]);
  }
  return std::sqrt(std::max(1 - affinity, 0.0));
}

double TotalVariation(std::span<const double> reference, std::span<const double> current) {
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) sum += std::abs(current[i] - reference[i]);
  return sum / 2;
}

double LargestShareGap(std::span<const double> reference, std::span<const double> current) {
  double largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    largest = std::max(largest, std::abs(current[i] - reference[i]));
  }
  return largest;
}

double BinnedKolmogorovSmirnov(std::span<const double> reference, std::span<const double> current) {
  double gap = 0;
  double largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    gap += current[i] - reference[i];
    largest = std::max(largest, std::abs(gap));
  }
  return largest;
}

ChiSquare ChiSquareFit(std::span<const double> reference, std::span<const double> current) {
  const double scale = SumOf(current) / SumOf(reference);
  ChiSquare test{.degrees = static_cast<double>(reference.size()) - 1};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double expected = reference[i] * scale;
    const double difference = current[i] - expected;
    if (difference != 0) test.statistic += difference * difference / expected;
  }
  test.p = ChiSquareTail(test.statistic, test.degrees);
  return test;
}

ChiSquare ChiSquareHomogeneity(std::span<const double> reference, std::span<const double> current,
                               Yates yates) {
  const double reference_sum = SumOf(reference);
  const double current_sum = SumOf(current);
  const double all = reference_sum + current_sum;
  ChiSquare test{.degrees = -1};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    if (reference[i] + current[i] > 0) test.degrees += 1;
  }
  if (test.degrees < 1 || reference_sum == 0 || current_sum == 0) return {};
  const double most = yates == Yates::kTwoByTwo && test.degrees == 1 ? 0.5 : 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double both = reference[i] + current[i];
    if (both == 0) continue;
    const double expected = both * current_sum / all;  // of `current`; the difference is one
    const double off = std::abs(current[i] - expected);
    const double difference = off - std::min(most, off);
    test.statistic += difference * difference * (1 / expected + 1 / (both - expected));
  }
  test.p = ChiSquareTail(test.statistic, test.degrees);
  return test;
}

}  // namespace forkcast::model
