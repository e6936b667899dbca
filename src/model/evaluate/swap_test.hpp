#pragma once

// Whether one model is better than another by chance: a permutation test of pairs. A group of rows
// (a key in a fold, a stretch of time) that both were asked about is a pair of sums. Were the
// models equally good, the two sums of a group might as well be swapped; so the p value is the
// share of ways to swap them in which the one model is ahead by as much as it is. Good,
// Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005, section 3.7.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>

namespace forkcast::model {

/// Up to so many groups all ways to swap are tried, else this many by chance, less 1.
inline constexpr std::size_t kMostExactGroups = 12;
inline constexpr std::size_t kRandomSwaps = 2'000;

/// Sums of the rows of one group.
template <typename Sums>
struct PairedSums {
  Sums one;
  Sums other;
};

/// p that chance puts `one` ahead by as much as it is, or more; 1 without a group or a value.
/// `merged`: an empty Sums, to which others are merged; `error`: of merged sums, smaller is better,
/// as an optional number. Deterministic. O(groups * kRandomSwaps).
template <typename Sums, typename Error>
[[nodiscard]] double ChanceOfLead(std::span<const PairedSums<Sums>> groups, const Sums& empty,
                                  const Error& error) {
  if (groups.empty()) return 1;
  // How far `one` is ahead when the groups for which `is_swapped` is true are swapped.
  const auto lead = [&](const auto& is_swapped) -> std::optional<double> {
    Sums one = empty;
    Sums other = empty;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool swapped = is_swapped(i);
      one.Merge(swapped ? groups[i].other : groups[i].one);
      other.Merge(swapped ? groups[i].one : groups[i].other);
    }
    const std::optional<double> ours = error(one);
    const std::optional<double> theirs = error(other);
    if (!ours || !theirs) return std::nullopt;
    return *theirs - *ours;
  };
  const std::optional<double> observed = lead([](std::size_t) { return false; });
  if (!observed) return 1;
  constexpr double kRounding = 1e-12;  // sums of another order
  const double least = *observed - kRounding * (1 + (*observed < 0 ? -*observed : *observed));
  const auto is_as_far = [&](const std::optional<double>& other) {
    return other && *other >= least;
  };

  std::size_t as_far = 0;
  if (groups.size() <= kMostExactGroups) {
    const std::uint64_t ways = std::uint64_t{1} << groups.size();
    for (std::uint64_t way = 0; way < ways; ++way) {
      if (is_as_far(lead([way](std::size_t i) { return (way >> i & 1U) != 0; }))) ++as_far;
    }
    return static_cast<double>(as_far) / static_cast<double>(ways);
  }
  std::mt19937_64 random(groups.size());
  for (std::size_t way = 1; way < kRandomSwaps; ++way) {
    if (is_as_far(lead([&random](std::size_t) { return (random() >> 63U) != 0; }))) ++as_far;
  }
  return static_cast<double>(as_far + 1) / static_cast<double>(kRandomSwaps);
}

}  // namespace forkcast::model
