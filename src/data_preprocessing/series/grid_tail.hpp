#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "data_preprocessing/series/period.hpp"

namespace forkcast::preprocessing {

/// A period in which any key has a row, and how many keys do.
struct FilledPeriod {
  PeriodIndex period = 0;
  std::size_t keys = 0;

  friend bool operator==(const FilledPeriod&, const FilledPeriod&) = default;
};

/// How many of `periods` (ascending) there are before the thin ones at their end. A period is thin
/// that has rows of so few keys that what the others lack there is rather not known yet than
/// nothing: fewer than a quarter of what three in four of the like periods before it had, or fewer
/// than half of the poorest of them. Like periods are the 52 before it that have rows, of days
/// those of the same day of the week, of hours of the same hour of it; below 4 (for the poorest: 8)
/// nothing can be said. O(thin periods * 52).
[[nodiscard]] std::size_t CountBeforeThinEnd(std::span<const FilledPeriod> periods, Period period);

/// The longest run of periods without any row.
struct GridHole {
  std::size_t behind = 0;  ///< Position of the first filled period behind it.
  std::int64_t length = 0;
  friend bool operator==(const GridHole&, const GridHole&) = default;
};

/// It, when it is longer than a year and than all other periods from the first to the last of
/// `periods` (ascending) together: then rather a time is wrong.
[[nodiscard]] std::optional<GridHole> FindExcessiveHole(std::span<const FilledPeriod> periods,
                                                        Period period);

}  // namespace forkcast::preprocessing
