#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// Periods first..last, both included; numbers of periods as the series count them.
struct PeriodRange {
  std::int64_t first = 0;
  std::int64_t last = -1;

  [[nodiscard]] std::int64_t size() const noexcept { return last - first + 1; }
  [[nodiscard]] bool Contains(std::int64_t period) const noexcept {
    return first <= period && period <= last;
  }
  friend bool operator==(const PeriodRange&, const PeriodRange&) = default;
};

/// How a past is cut into folds, each trained on what lies before what it is tested on.
struct FoldSpec {
  enum class Window {
    kAnchored,  ///< Training begins with the first period in every fold.
    kRolling,   ///< Training is of the same length in every fold.
  };
  Window window = Window::kAnchored;
  std::size_t n_splits = 5;
  std::size_t horizon = 1;            ///< Periods tested after an origin.
  std::size_t gap = 0;                ///< Periods left out between training and test.
  std::optional<std::size_t> step{};  ///< From one fold's test to the next's; unset: the horizon.
  /// kAnchored: the least length of training, unset: 1. kRolling: its length, unset: the longest
  /// that the first fold can have.
  std::optional<std::size_t> train_periods{};
  /// False: the model of the first fold is judged in all of them, so that later ones say how it
  /// does as it grows old.
  bool refit = true;

  friend bool operator==(const FoldSpec&, const FoldSpec&) = default;
};

/// Reads {"window": "anchored" | "rolling", "n_splits": 5, "gap": 0, "step": 4, "train_periods":
/// 104, "refit": false}; the horizon is given. Throws SpecError.
[[nodiscard]] FoldSpec ReadFoldSpec(const preprocessing::JsonNode& node, std::size_t horizon);

/// One step of walk-forward validation: a model that has seen targets in `train` alone forecasts
/// `test` as of `origin`.
struct Fold {
  PeriodRange train{};
  std::int64_t origin = 0;  ///< The last period whose values features may read: test.first - 1.
  PeriodRange test{};

  friend bool operator==(const Fold&, const Fold&) = default;
};

/// The folds over periods first..last, oldest first. The last test ends with the last period;
/// train.last + gap + 1 == test.first, or, without refit, as in the first fold. kInvalidArgument
/// saying how many periods there are and how many are needed.
[[nodiscard]] Result<std::vector<Fold>> WalkForwardFolds(const FoldSpec& spec, PeriodRange periods);

/// `count` folds more that come before `first`, the first of `spec` over `periods`, oldest first:
/// each trains and tests one step earlier than the one behind it, on what is there of a rolling
/// window. kInvalidArgument as WalkForwardFolds.
[[nodiscard]] Result<std::vector<Fold>> FoldsBefore(const FoldSpec& spec, PeriodRange periods,
                                                    const Fold& first, std::size_t count);

}  // namespace forkcast::model
