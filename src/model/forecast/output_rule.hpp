#pragma once

#include <optional>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// What becomes of a model's forecast before anybody sees it; the same when it is judged and when
/// it is served.
struct OutputRule {
  enum class Rounding { kNone, kNearest, kUp, kDown };

  Rounding rounding = Rounding::kNone;  ///< To a whole number; the nearest of x.5 is away from 0.
  std::optional<double> minimum;        ///< What lies below becomes it.

  /// NaN stays NaN.
  [[nodiscard]] double Apply(double forecast) const noexcept;
  friend bool operator==(const OutputRule&, const OutputRule&) = default;
};

/// Reads {"round": "nearest" | "up" | "down", "minimum": 0}, of which one may be left out. Throws
/// SpecError, also for a minimum that is no whole number where forecasts are.
[[nodiscard]] OutputRule ReadOutputRule(const preprocessing::JsonNode& node);

}  // namespace forkcast::model
