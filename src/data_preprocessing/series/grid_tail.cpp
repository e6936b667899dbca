#include "data_preprocessing/series/grid_tail.hpp"

#include <algorithm>
#include <vector>

namespace forkcast::preprocessing {
namespace {

/// A year of weeks, or of Mondays.
constexpr std::size_t kLikePeriods = 52;
constexpr std::size_t kFewestForQuartile = 4;
constexpr std::size_t kFewestForPoorest = 8;

bool IsThin(std::span<const FilledPeriod> before, const FilledPeriod& one, Period period) {
  // Shops that close on Sundays do so every week.
  const PeriodIndex season = PeriodsOfWeek(period);
  std::vector<std::size_t> like;
  for (std::size_t i = before.size(); i-- > 0 && like.size() < kLikePeriods;) {
    if ((one.period - before[i].period) % season == 0) like.push_back(before[i].keys);
  }
  if (like.size() < kFewestForQuartile) return false;
  std::ranges::sort(like);
  const std::size_t quartile = like[like.size() / 4];
  if (one.keys * 4 < quartile) return true;
  return like.size() >= kFewestForPoorest && one.keys * 2 < like.front();
}

}  // namespace

std::size_t CountBeforeThinEnd(std::span<const FilledPeriod> periods, Period period) {
  std::size_t count = periods.size();
  while (count > 0 && IsThin(periods.first(count - 1), periods[count - 1], period)) --count;
  return count;
}

std::optional<GridHole> FindExcessiveHole(std::span<const FilledPeriod> periods, Period period) {
  GridHole longest;
  for (std::size_t i = 1; i < periods.size(); ++i) {
    const std::int64_t length = periods[i].period - periods[i - 1].period - 1;
    if (length > longest.length) longest = {.behind = i, .length = length};
  }
  if (longest.length <= PeriodsOfYear(period)) return std::nullopt;
  const std::int64_t all = periods.back().period - periods.front().period + 1;
  if (longest.length <= all - longest.length) return std::nullopt;
  return longest;
}

}  // namespace forkcast::preprocessing
