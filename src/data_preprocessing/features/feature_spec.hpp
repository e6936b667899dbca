#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// A value that owns its text: a constant of a pipeline file.
using OwnedValue = std::variant<std::string, std::int64_t, double, bool, Instant>;

/// The same as a Value; a text is a view of `owned`.
[[nodiscard]] inline Value ViewOf(const OwnedValue& owned) noexcept {
  return std::visit([](const auto& value) { return Value(value); }, owned);
}

/// Parts of a row's time on a wall in the pipeline's zone.
enum class CalendarPart {
  kHour,        ///< 0..23
  kDayOfWeek,   ///< 1 (Monday) .. 7, as ISO 8601 counts
  kDayOfMonth,  ///< 1..31
  kDayOfYear,   ///< 1..366
  kIsoWeek,     ///< 1..53, the week of ISO 8601
  kMonth,       ///< 1..12
  kQuarter,     ///< 1..4
  kYear,
};
[[nodiscard]] std::optional<CalendarPart> CalendarPartFromString(std::string_view name) noexcept;
/// "hour, day_of_week, ...", for messages.
[[nodiscard]] std::string CalendarPartNames();

/// At which of a row's two instants a feature is read. A row that forecasts nothing has but one.
enum class ReadAt {
  kOrigin,  ///< When the forecast is made, or the request's time.
  kTarget,  ///< The start of the period that is forecast; only for what is known in advance.
};

/// A value column of a series, of the key that request fields name.
struct SeriesValue {
  std::string series;
  std::string value;
  std::vector<std::string> key;  ///< Request fields, in the order of the series' key columns.
  ReadAt at = ReadAt::kOrigin;
  friend bool operator==(const SeriesValue&, const SeriesValue&) = default;
};

/// No feature reads further back than this many periods, nor ahead.
inline constexpr int kMaxPeriods = 4096;

// The operators. In their formulas y(0) is the value of a series with `aggregate` in the last
// period visible at the origin, y(-i) the one i periods before it, and y(h) that of the target's
// period. Read "at": "target", the target's period takes the place of the last visible one.

/// The value in the row in force (Snapshot::AsOf). On a static series: the attribute of the key.
struct AsOfOp {
  SeriesValue read;
  friend bool operator==(const AsOfOp&, const AsOfOp&) = default;
};
/// Whether the instant in a timestamp column, read as AsOfOp does, has come: value <= time.
struct ReachedOp {
  SeriesValue instant;
  friend bool operator==(const ReachedOp&, const ReachedOp&) = default;
};
/// Time passed since the instant in a timestamp column, or left until it, in `unit`s; negative
/// where it is the other way round.
struct TimeDistanceOp {
  enum class Direction { kSince, kUntil };
  SeriesValue instant;
  Direction direction = Direction::kSince;
  std::chrono::microseconds unit{1};
  friend bool operator==(const TimeDistanceOp&, const TimeDistanceOp&) = default;
};
/// A part of the row's time.
struct CalendarOp {
  CalendarPart part = CalendarPart::kHour;
  ReadAt at = ReadAt::kOrigin;
  friend bool operator==(const CalendarOp&, const CalendarOp&) = default;
};
/// A field of the request, as it came.
struct FieldOp {
  std::string field;
  friend bool operator==(const FieldOp&, const FieldOp&) = default;
};
/// y(1 - periods).
struct LagOp {
  SeriesValue read;
  int periods = 1;
  friend bool operator==(const LagOp&, const LagOp&) = default;
};
/// y(1 - lag) - y(1 - lag - periods).
struct DifferenceOp {
  SeriesValue read;
  int periods = 1;
  int lag = 1;
  friend bool operator==(const DifferenceOp&, const DifferenceOp&) = default;
};
/// y(h - j season), where j is the least number that does not lead behind y(0), plus seasons - 1.
struct SeasonalLagOp {
  SeriesValue read;
  int season = 1;
  int seasons = 1;
  friend bool operator==(const SeasonalLagOp&, const SeasonalLagOp&) = default;
};
enum class RollingStatistic {
  kMean,
  kStd,  ///< Of a sample (n - 1).
  kMin,
  kMax,
  kMedian,  ///< Of an even number of values the mean of the middle two.
  kSum,
  kNonzeroShare,  ///< Share of the values that are not 0.
};
[[nodiscard]] std::optional<RollingStatistic> RollingStatisticFromString(
    std::string_view name) noexcept;
/// The target's value of this and that of a past period must be equal.
using MatchOn = std::variant<CalendarPart, SeriesValue>;
/// The statistic of those of y(1 - lag), ..., y(2 - lag - window) that are not missing and whose
/// periods match the target's; missing when they are fewer than `min_count`.
struct RollingOp {
  SeriesValue read;
  RollingStatistic statistic = RollingStatistic::kMean;
  int window = 1;
  int lag = 1;
  int min_count = 1;
  std::vector<MatchOn> match;
  friend bool operator==(const RollingOp&, const RollingOp&) = default;
};
/// Periods from the latest value that is not 0 to period 0; missing when they are more than
/// `limit`.
struct PeriodsSinceOp {
  SeriesValue read;
  int limit = 1;
  friend bool operator==(const PeriodsSinceOp&, const PeriodsSinceOp&) = default;
};
/// Periods from the target to the next value that is not 0, its own included; missing when they are
/// more than `limit`.
struct PeriodsUntilOp {
  SeriesValue read;
  int limit = 1;
  friend bool operator==(const PeriodsUntilOp&, const PeriodsUntilOp&) = default;
};
/// Of two number features named before; missing when either is or the result is not finite.
struct ArithmeticOp {
  enum class Kind { kSubtract, kDivide, kMultiply };
  Kind kind = Kind::kSubtract;
  std::string left;
  std::string right;
  friend bool operator==(const ArithmeticOp&, const ArithmeticOp&) = default;
};

/// One feature as a pipeline declares it.
struct FeatureSpec {
  std::string name;
  std::variant<AsOfOp, ReachedOp, TimeDistanceOp, CalendarOp, FieldOp, LagOp, DifferenceOp,
               SeasonalLagOp, RollingOp, PeriodsSinceOp, PeriodsUntilOp, ArithmeticOp>
      op;
  ColumnType type = ColumnType::kInt64;  ///< What the operator yields.
  /// The feature's value where it cannot be computed; unset: that is an error, or else it stays
  /// missing.
  std::optional<OwnedValue> when_missing;
  bool keeps_missing = false;

  friend bool operator==(const FeatureSpec&, const FeatureSpec&) = default;
};

}  // namespace forkcast::preprocessing
