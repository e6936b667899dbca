#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/features/series_view.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

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
  /// Each series looked up for this row; features that read the same series at the same instant by
  /// the same fields share one.
  std::span<const SeriesView> reads;
  std::span<const PlanView> plans;  ///< By the same numbers; set for grids read at the target.
  const Table* request = nullptr;
  std::size_t request_row = 0;
  std::span<const Value> features;  ///< The features named before this one.

  [[nodiscard]] const WallTime& At(ReadAt at) const noexcept {
    return at == ReadAt::kOrigin ? origin : target;
  }
};

/// Computes one feature of one row. Stateless, thread-safe, allocates nothing. Training calls it
/// for all rows, a request for its own: the same code.
class FeatureOperator {
 public:
  virtual ~FeatureOperator() = default;
  /// The feature's value, of the spec's type, or missing when it cannot be computed.
  [[nodiscard]] virtual Value Compute(const RowContext& row) const noexcept = 0;
  [[nodiscard]] virtual bool NeedsCivilTime(ReadAt) const noexcept { return false; }
};

/// A computed number as a feature: one that is not finite is missing.
[[nodiscard]] inline Value ToFeature(double number) noexcept {
  return std::isfinite(number) ? Value(number) : Value();
}

/// One column of one read series: the position in RowContext::reads, and the value's position in
/// the series' values.
struct SeriesColumn {
  std::size_t read = 0;
  std::size_t column = 0;
};

/// What the periods of a RollingOp are compared by, as RowContext has it.
using ReadMatch = std::variant<CalendarPart, SeriesColumn>;

[[nodiscard]] std::unique_ptr<FeatureOperator> MakeAsOf(SeriesColumn from);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeReached(SeriesColumn from, ReadAt at);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeTimeDistance(SeriesColumn from,
                                                                const TimeDistanceOp& op);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeCalendar(const CalendarOp& op);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeField(std::size_t column);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeLag(SeriesColumn from, const LagOp& op);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeDifference(SeriesColumn from,
                                                              const DifferenceOp& op);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeSeasonalLag(SeriesColumn from,
                                                               const SeasonalLagOp& op);
/// `period` is that of the series; `match` has one element for each of op.match.
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeRolling(SeriesColumn from, const RollingOp& op,
                                                           Period period,
                                                           const std::vector<ReadMatch>& match);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakePeriodsSince(SeriesColumn from,
                                                                const PeriodsSinceOp& op);
[[nodiscard]] std::unique_ptr<FeatureOperator> MakePeriodsUntil(SeriesColumn from,
                                                                const PeriodsUntilOp& op);
/// `left` and `right` are positions of features before this one.
[[nodiscard]] std::unique_ptr<FeatureOperator> MakeArithmetic(ArithmeticOp::Kind kind,
                                                              std::size_t left, std::size_t right);

/// A part of a time on a wall.
[[nodiscard]] std::int64_t PartOf(CalendarPart part, const CivilTime& civil) noexcept;

}  // namespace forkcast::preprocessing
