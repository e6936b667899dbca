#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/features/missing_periods.hpp"
#include "data_preprocessing/features/series_view.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// No feature reads further back than this many periods, nor ahead.
inline constexpr int kMaxPeriods = 4096;

/// An instant and what a wall in the pipeline's zone shows then.
struct WallTime {
  Instant instant;
  CivilTime civil;  ///< Only set when an operator NeedsCivilTime() of this instant.
};

/// All that an operator can see of one row. Nothing in it lies after the origin, but for what is
/// known in advance.
struct RowContext {
  WallTime origin;  ///< The request's time, or when the forecast is made.
  WallTime target;  ///< The start of the period to forecast; the origin where nothing is forecast.
  /// Each series looked up for this row, in the order of DistinctReads().
  std::span<const SeriesView> reads;
  std::span<const PlanView> plans;  ///< By the same numbers; set for grids read at the target.
  const Table* request = nullptr;
  std::size_t request_row = 0;
  std::span<const Value> features;  ///< The features named before this one.

  [[nodiscard]] const WallTime& At(ReadAt at) const noexcept {
    return at == ReadAt::kOrigin ? origin : target;
  }
};

/// One feature of many rows.
struct FeatureColumn {
  bool is_number = false;         ///< Which of the following holds them.
  std::vector<double> numbers{};  ///< NaN is missing.
  std::vector<Value> values{};

  /// As a double; NaN when it is missing or neither a double nor an int64.
  [[nodiscard]] double NumberAt(std::size_t row) const noexcept {
    return is_number ? numbers[row] : NumberIn(values[row]);
  }
  [[nodiscard]] Value ValueAt(std::size_t row) const noexcept {
    if (!is_number) return values[row];
    return numbers[row] == numbers[row] ? Value(numbers[row]) : Value();
  }
  [[nodiscard]] static double NumberIn(const Value& value) noexcept {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      return static_cast<double>(*integer);
    }
    return kMissingNumber;
  }
};

/// All that an operator can see of many rows of one key, by the same rules as RowContext.
struct ColumnContext {
  std::span<const SeriesViews> reads;       ///< In the order of DistinctReads().
  std::span<const FeatureColumn> features;  ///< The features named before this one.
};

/// Computes one feature of one row. Immutable, thread-safe, allocates nothing. Training calls it
/// for all rows, a request for its own: the same code.
///
/// In the formulas of operators y(0) is the value of a series with `aggregate` in the last period
/// visible at the origin, y(-i) the one i periods before it, and y(h) that of the target's period.
/// Read "at": "target", the target's period takes the place of the last visible one.
class FeatureOperator {
 public:
  virtual ~FeatureOperator() = default;
  /// The feature's value, of the declared type, or missing when it cannot be computed.
  [[nodiscard]] virtual Value Compute(const RowContext& row) const noexcept = 0;
  /// The same of many rows of one key, as numbers with NaN for what is missing: bit for bit what
  /// Compute() gives for each. False: it has not, and whoever asks goes row by row. An operator
  /// that reads other features has it.
  [[nodiscard]] virtual bool ComputeColumn(const ColumnContext&, std::span<double>) const {
    return false;
  }
  /// Whether it sees nothing of a row but its instants.
  [[nodiscard]] virtual bool IsOfMoment() const noexcept { return false; }
  [[nodiscard]] virtual bool NeedsCivilTime(ReadAt) const noexcept { return false; }
  /// Adds the periods and features that this row's value is computed from, so that a message can
  /// say which of them are not there. Slow. An operator that has nothing to say leaves it.
  virtual void AddNeeds(const RowContext&, FeatureNeeds&) const {}
};

/// A computed number as a feature: one that is not finite is missing.
[[nodiscard]] inline Value ToFeature(double number) noexcept {
  return std::isfinite(number) ? Value(number) : Value();
}

/// The same in a FeatureColumn.
[[nodiscard]] inline double FiniteOrMissing(double number) noexcept {
  return std::isfinite(number) ? number : kMissingNumber;
}

/// One column of one read series: the position in RowContext::reads, and the value's position in
/// the series' values.
struct SeriesColumn {
  std::size_t read = 0;
  std::size_t column = 0;
};

}  // namespace forkcast::preprocessing
