#pragma once

#include <cstdint>

namespace forkcast::model {

// Intervals that hold at every moment at once. A confidence interval of a fixed number of
// observations is no ground to stop on: whoever looks again and again and stops when it excludes
// something is wrong far more often than it says. Those here form a *confidence sequence*: with
// probability 1 - alpha the truth is in all of them, however often they are looked at and whatever
// is done because of it.

/// Both ends belong to it.
struct Interval {
  double lower = 0;
  double upper = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

/// What is known of numbers that were observed: enough for their mean and its uncertainty, in
/// constant memory, and without the cancellation that sums of powers suffer (Pebay 2008).
struct Moments {
  std::uint64_t count = 0;
  double mean = 0;
  double squares = 0;  ///< Sum of the distances from the mean, squared,
  double cubes = 0;    ///< to the third power,
  double fourths = 0;  ///< and to the fourth.

  void Add(double value) noexcept { Merge({.count = 1, .mean = value}); }
  /// With those of another one, in whatever order both were observed.
  void Merge(const Moments& other) noexcept;

  friend bool operator==(const Moments&, const Moments&) = default;
};

/// Fewer observations say nothing of a mean.
inline constexpr std::uint64_t kLeastObserved = 100;
/// Nor do fewer than so many times their kurtosis, as of numbers that are nearly always the same:
/// until the rare ones have been seen often enough, the variance is no estimate.
inline constexpr double kObservedByKurtosis = 40;

/// Of the share of successes among `count` trials. The ratio of the likelihood under a
/// Beta(1/2, 1/2) mixture of shares to that under one share is a martingale where this one is the
/// true one; it exceeds 1 / alpha at any time with probability alpha at most (Ville 1939; Robbins
/// 1970). The interval is of the shares for which it does not. Exact at any count, also 0, of which
/// it is [0, 1].
[[nodiscard]] Interval ShareSequence(std::uint64_t successes, std::uint64_t count, double alpha);

/// Of the mean of independent numbers of one distribution with a variance. The mixture sequential
/// probability ratio test with a normal mixture (Robbins 1970; Johari et al. 2022), inverted, with
/// the variance estimated, which makes it asymptotic (Waudby-Smith et al. 2024): the tests say how
/// often it is wrong. Infinite where too little was observed (above), as of numbers that are all
/// the same.
[[nodiscard]] Interval MeanSequence(const Moments& observed, double alpha);

}  // namespace forkcast::model
