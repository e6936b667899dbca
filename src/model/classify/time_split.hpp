#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// How rows in the order of time are cut into what is learned from and what is judged.
struct TimeSplitSpec {
  double test_share = 0.3;   ///< Of the rows, at the end; more than 0, less than 1.
  std::size_t n_splits = 1;  ///< Blocks of the test rows, each judged by a model of its own.
  /// A row's label is known so long after its time, and not learned from before.
  std::chrono::microseconds label_delay{0};

  friend bool operator==(const TimeSplitSpec&, const TimeSplitSpec&) = default;
};

/// One model's rows, as positions in the order of time.
struct TimeFold {
  std::size_t train_end = 0;  ///< Learned from: 0 .. train_end - 1;
  std::size_t test_first = 0;
  std::size_t test_end = 0;  ///< judged: test_first .. test_end - 1.

  friend bool operator==(const TimeFold&, const TimeFold&) = default;
};

/// The folds, oldest first; their tests follow each other up to the last row. `times`: ascending,
/// one a row. Rows of one time are never torn apart: where a boundary falls between them, all
/// of them are behind it. A fold learns from the rows before its test whose label was known at the
/// test's first time (time + label_delay <= it). kInvalidArgument saying which numbers leave no row
/// to judge or to learn from. O(rows).
[[nodiscard]] Result<std::vector<TimeFold>> SplitByTime(std::span<const Instant> times,
                                                        const TimeSplitSpec& spec);

}  // namespace forkcast::model
