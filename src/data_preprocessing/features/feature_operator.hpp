#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// One series looked up for one row: the row of its key in force at the row's time, if any.
/// Features that read the same series by the same fields share it.
struct SeriesRead {
  const Snapshot* snapshot = nullptr;
  std::optional<std::uint64_t> row;
};

/// All that an operator can see of one row: nothing in it lies after `time`.
struct RowContext {
  Instant time;
  CivilTime
      civil;  ///< `time` in the pipeline's zone; only set when an operator needs_civil_time().
  std::span<const SeriesRead> reads;
};

/// Computes one feature of one row. Stateless, thread-safe, allocates nothing. Training calls it
/// for all rows, a request for its own: the same code.
class FeatureOperator {
 public:
  virtual ~FeatureOperator() = default;
  /// The feature's value, of the spec's type, or missing when it cannot be computed.
  [[nodiscard]] virtual Value Compute(const RowContext& row) const noexcept = 0;
  [[nodiscard]] virtual bool needs_civil_time() const noexcept { return false; }
};

/// Operators over RowContext::reads[read]; `column` is the value's position in the series' values.
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeAsOf(std::size_t read, std::size_t column);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeReached(std::size_t read, std::size_t column);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeCalendar(CalendarPart part);

}  // namespace forkcast::preprocessing
