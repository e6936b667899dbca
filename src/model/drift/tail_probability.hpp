#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace forkcast::model {

/// Of a chi-square variable being `x` or more. 1 when there are no degrees of freedom, 0 at
/// infinity. Relative error below 1e-12 down to 1e-300.
[[nodiscard]] double ChiSquareTail(double x, double degrees);
/// Of a standard normal variable being as far from 0 as `z` or farther, on either side.
[[nodiscard]] double NormalTails(double z);
/// Of a variable of Student's t distribution being `t` or more.
[[nodiscard]] double StudentTail(double t, double degrees);
/// Of `count` or more successes in `trials` with probability `share` each. 1 for a count of 0.
[[nodiscard]] double BinomialTail(double count, double trials, double share);

/// Of Kolmogorov's D of `n` values against the distribution that they come from being `d` or more:
/// the exact law, which the limit for many values misses by percents at some hundreds. Marsaglia,
/// Tsang and Wang (2003) in the middle; in the tail twice Smirnov's one-sided law, where both sides
/// at once are rarer than 1e-10 of it. O(n d^3 log n): for some thousands of values.
[[nodiscard]] double KolmogorovTail(double d, std::size_t n);

/// Exact probability that two samples of `n` and `m` values from one continuous distribution have
/// cumulated counts that differ by `gap` or more: gap = D n m / gcd(n, m). By all ways through
/// their merged order, each cell once: O(n m).
[[nodiscard]] double TwoSampleTail(std::int64_t gap, std::size_t n, std::size_t m);

/// Which p values stay significant when at most `rate` of those that are called so may be so by
/// chance (Benjamini and Hochberg 1995): those at or below the result; negative: none. `p_values`
/// in any order.
[[nodiscard]] double BenjaminiHochberg(std::span<const double> p_values, double rate);

}  // namespace forkcast::model
