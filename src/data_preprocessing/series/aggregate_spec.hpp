#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data_preprocessing/series/period.hpp"

namespace forkcast::preprocessing {

/// How the rows of one key and period become one number. Missing values are left out.
enum class AggregateOp {
  kSum,
  kMean,
  kMin,
  kMax,
  kFirst,  ///< Of the earliest time; of equal times, the one ingested first.
  kLast,   ///< Of the latest time; of equal times, the one ingested last.
  kOnly,   ///< Of the period's one row: a second one is an error.
  kCount,  ///< Number of rows; reads no column.
};
/// Whether it asks which of two rows was earlier.
[[nodiscard]] constexpr bool KeepsTimes(AggregateOp op) noexcept {
  return op == AggregateOp::kFirst || op == AggregateOp::kLast;
}
[[nodiscard]] std::string_view ToString(AggregateOp op) noexcept;
[[nodiscard]] std::optional<AggregateOp> AggregateOpFromString(std::string_view name) noexcept;
/// "sum, mean, ...", for messages.
[[nodiscard]] std::string AggregateOpNames();

struct EmptyIsMissing {
  friend bool operator==(const EmptyIsMissing&, const EmptyIsMissing&) = default;
};
/// The last value before it; missing before the first.
struct EmptyIsPrevious {
  friend bool operator==(const EmptyIsPrevious&, const EmptyIsPrevious&) = default;
};
/// What a period without a value holds: nothing, the value before it, or a number.
using EmptyRule = std::variant<EmptyIsMissing, EmptyIsPrevious, double>;

struct AggregateValue {
  std::string name;
  AggregateOp op = AggregateOp::kSum;
  std::string column;  ///< Of the source, a number or bool; empty for kCount.
  EmptyRule empty;
  /// Another value of the same series, or empty: where that is there and not 0, what happened is
  /// not known (a shelf was empty, a till was broken), and this one is missing.
  std::string censored{};

  friend bool operator==(const AggregateValue&, const AggregateValue&) = default;
};

/// Whether a number of the value that AggregateValue::censored names hides the other one.
[[nodiscard]] bool IsCensoring(double number) noexcept;

/// What happens to the first and the last period of all the data unless the data fill them from
/// their first calendar day to their last.
enum class PartialPeriods { kDrop, kKeep };
/// Where the grid of a key begins or ends: with its own first or last row, or with that of all
/// keys.
enum class GridBound { kKey, kAll };

/// Up to where rows count. A grid has a period for every key, whether it has rows there or not, so
/// one row too far ahead makes periods of nothing for all others.
enum class GridEnd {
  kJudged,    ///< Not declared: as kLastFull, and who learns from the data must hear of it.
  kLastFull,  ///< To the last period that is not thin (grid_tail.hpp) and has begun by now.
  kToday,     ///< To the last period that has ended by now.
  kDay,       ///< To the end of a calendar day.
  kLastRow,   ///< To the last row, wherever it is.
};

/// The rows of a series put on a regular grid of periods per key, in the pipeline's zone.
struct AggregateSpec {
  Period period = Period::kDay;
  std::vector<AggregateValue> values;
  PartialPeriods partial = PartialPeriods::kDrop;
  GridBound from = GridBound::kKey;
  GridBound to = GridBound::kAll;
  GridEnd until = GridEnd::kJudged;
  std::chrono::sys_days until_day{};  ///< Of kDay.

  /// The position of what may hide the value at a position; none: nothing does.
  [[nodiscard]] std::optional<std::size_t> CensoredBy(std::size_t value) const noexcept;

  friend bool operator==(const AggregateSpec&, const AggregateSpec&) = default;
};

}  // namespace forkcast::preprocessing
