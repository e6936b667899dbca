#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

class FeatureOperator;

/// A value that owns its text: a constant of a pipeline file.
using OwnedValue = std::variant<std::string, std::int64_t, double, bool, Instant>;

/// The same as a Value; a text is a view of `owned`.
[[nodiscard]] inline Value ViewOf(const OwnedValue& owned) noexcept {
  return std::visit([](const auto& value) { return Value(value); }, owned);
}

/// At which of a row's two instants a feature is read. A row that forecasts nothing has but one.
enum class ReadAt {
  kOrigin,  ///< When the forecast is made, or the request's time.
  kTarget,  ///< The start of the period that is forecast; only for what is known in advance.
};

/// A series as a feature reads it: of the key that request fields name, at one of the row's
/// instants.
struct SeriesRead {
  std::string series;
  std::vector<std::string> key;  ///< Request fields, in the order of the series' key columns.
  ReadAt at = ReadAt::kOrigin;
  bool strict = false;         ///< Only rows that were visible before the instant.
  std::string skip_missing{};  ///< Only rows that have a value of this column; empty: all.
  friend bool operator==(const SeriesRead&, const SeriesRead&) = default;
};

/// One feature as a pipeline declares it.
struct FeatureSpec {
  std::string name;
  /// Computes it. Bound to the features before this one, the request's fields and the places of its
  /// reads among the DistinctReads() of the pipeline, so it works in this pipeline alone.
  std::shared_ptr<const FeatureOperator> op;
  ColumnType type = ColumnType::kInt64;  ///< What the operator yields.
  /// The feature's value where it cannot be computed; unset: that is an error, or else it stays
  /// missing.
  std::optional<OwnedValue> when_missing;
  bool keeps_missing = false;
  std::vector<SeriesRead> reads{};  ///< Each once.
};

/// What the features read, each once, in the order in which they first do; so what the first n
/// features read keeps its place when more follow.
[[nodiscard]] std::vector<SeriesRead> DistinctReads(std::span<const FeatureSpec> features);

}  // namespace forkcast::preprocessing
