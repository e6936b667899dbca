#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace forkcast::model {

/// How many groups rows are cut into: enough for a variance that is good to a quarter.
inline constexpr std::size_t kJackknifeGroups = 40;

/// The variance of what `value` makes of all sums together, by leaving out one group after the
/// other (Shao and Tu 1995, section 2.3): rows of one key, which err alike, are in one group. None
/// when there are fewer than two groups with rows, or the value is not there without one of them.
/// `empty`: sums without rows. O(groups^2).
template <typename Sums, typename ValueOf>
[[nodiscard]] std::optional<double> JackknifeVariance(std::span<const Sums> groups,
                                                      const Sums& empty, ValueOf value) {
  std::vector<double> without;
  const auto with_rows = static_cast<std::size_t>(
      std::ranges::count_if(groups, [](const Sums& one) { return one.rows() > 0; }));
  if (with_rows < 2) return std::nullopt;
  for (std::size_t left_out = 0; left_out < groups.size(); ++left_out) {
    if (groups[left_out].rows() == 0) continue;
    Sums rest = empty;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (i != left_out) rest.Merge(groups[i]);
    }
    const std::optional<double> one = value(rest);
    if (!one) return std::nullopt;
    without.push_back(*one);
  }
  const auto count = static_cast<double>(without.size());
  double mean = 0;
  for (const double one : without) mean += one / count;
  double squares = 0;
  for (const double one : without) squares += (one - mean) * (one - mean);
  return (count - 1) / count * squares;
}

}  // namespace forkcast::model
