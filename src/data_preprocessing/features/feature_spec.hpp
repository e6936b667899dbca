#pragma once

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

/// Parts of the request's time on a wall in the pipeline's zone.
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

/// The value of a series' column in the row in force at the request's time (Snapshot::AsOf). On a
/// static series: the attribute of the key.
struct AsOfOp {
  std::string series;
  std::string value;
  std::vector<std::string> key;  ///< Request fields, in the order of the series' key columns.
  friend bool operator==(const AsOfOp&, const AsOfOp&) = default;
};
/// Whether the instant in a series' timestamp column, read as AsOfOp does, has come: value <= time.
struct ReachedOp {
  AsOfOp instant;
  friend bool operator==(const ReachedOp&, const ReachedOp&) = default;
};
/// A part of the request's time.
struct CalendarOp {
  CalendarPart part = CalendarPart::kHour;
  friend bool operator==(const CalendarOp&, const CalendarOp&) = default;
};

/// One feature as a pipeline declares it.
struct FeatureSpec {
  std::string name;
  std::variant<AsOfOp, ReachedOp, CalendarOp> op;
  ColumnType type = ColumnType::kInt64;  ///< What the operator yields.
  /// The feature's value where it cannot be computed; unset: that is an error.
  std::optional<OwnedValue> when_missing;

  friend bool operator==(const FeatureSpec&, const FeatureSpec&) = default;
};

}  // namespace forkcast::preprocessing
