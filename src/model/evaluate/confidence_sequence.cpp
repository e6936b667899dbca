#include "model/evaluate/confidence_sequence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace forkcast::model {
namespace {

/// How many observations the mixture is tightest at; it is nearly so from a quarter to four times
/// as many.
constexpr double kTightestAt = 1000;

/// Of Beta(1/2, 1/2) up to the constant that cancels out: log B(a + 1/2, b + 1/2) - log B(1/2,
/// 1/2).
double LogMixture(double successes, double failures) {
  const double log_pi = std::log(std::acos(-1.0));
  return std::lgamma(successes + 0.5) + std::lgamma(failures + 0.5) -
         std::lgamma(successes + failures + 1) - log_pi;
}

/// The log likelihood of a share.
double LogLikelihood(double share, double successes, double failures) {
  // 0 times the logarithm of 0 is 0 here.
  const double of_successes = successes == 0 ? 0 : successes * std::log(share);
  const double of_failures = failures == 0 ? 0 : failures * std::log1p(-share);
  return of_successes + of_failures;
}

}  // namespace

void Moments::Merge(const Moments& other) noexcept {
  const auto a = static_cast<double>(count);
  const auto b = static_cast<double>(other.count);
  if (other.count == 0) return;
  const double n = a + b;
  const double distance = other.mean - mean;
  const double by_n = distance / n;
  const double square = distance * by_n * a * b;  // what both means add to the squares
  fourths += other.fourths + square * by_n * by_n * (a * a - a * b + b * b) +
             6 * by_n * by_n * (a * a * other.squares + b * b * squares) +
             4 * by_n * (a * other.cubes - b * cubes);
  cubes += other.cubes + square * by_n * (a - b) + 3 * by_n * (a * other.squares - b * squares);
  squares += other.squares + square;
  mean += by_n * b;
  count += other.count;
}

Interval ShareSequence(std::uint64_t successes, std::uint64_t count, double alpha) {
  if (count == 0) return {.lower = 0, .upper = 1};
  const auto good = static_cast<double>(successes);
  const auto bad = static_cast<double>(count - successes);
  const double mixture = LogMixture(good, bad);
  // The likelihood has its maximum at the share that was seen, and falls to both sides.
  const auto is_excluded = [&](double share) {
    return mixture - LogLikelihood(share, good, bad) > -std::log(alpha);
  };
  const double seen = good / (good + bad);
  /// Where shares between `in`, which is not excluded, and `end` begin to be.
  const auto edge = [&](double in, double end) {
    if (!is_excluded(end)) return end;
    double out = end;
    constexpr int kHalvings = 60;
    for (int i = 0; i < kHalvings; ++i) {
      const double middle = (in + out) / 2;
      (is_excluded(middle) ? out : in) = middle;
    }
    return in;
  };
  return {.lower = edge(seen, 0), .upper = edge(seen, 1)};
}

Interval MeanSequence(const Moments& observed, double alpha) {
  const auto count = static_cast<double>(observed.count);
  // Sums instead of the kurtosis, which is none where all numbers are the same.
  const bool has_settled = observed.squares > 0 && observed.squares * observed.squares >=
                                                       kObservedByKurtosis * observed.fourths;
  if (observed.count < kLeastObserved || !has_settled) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return {.lower = -kInfinity, .upper = kInfinity};
  }
  const double variance = observed.squares / (count - 1);
  const double surprise = -2 * std::log(alpha);
  // Variance of the mixture by that of the observations (Waudby-Smith et al., section 2).
  const double mixture = (surprise + std::log(surprise + 1)) / kTightestAt;
  const double spread = count * mixture + 1;
  const double half = std::sqrt(variance * 2 * spread / (count * count * mixture) *
                                std::log(std::sqrt(spread) / alpha));
  return {.lower = observed.mean - half, .upper = observed.mean + half};
}

}  // namespace forkcast::model
