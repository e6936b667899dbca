#pragma once

#include <string>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// What a row knows, as of its origin, that its target is put in relation to. NaN is missing.
struct TargetReference {
  double scale;   ///< E.g. the mean of the series' history; read by TargetTransform::scale.
  double anchor;  ///< E.g. the last value, in the target's own unit; read by difference.
};

/// What a model learns instead of the target itself. With s the scale (1 without `scale`),
/// g(v) = ln(1 + v) with `log1p`, else v, and a the anchor:
///   z = g(y / s) - g(a / s)     (the subtraction only with `difference`)
///   y = s * g^-1(z + g(a / s))
/// Any combination makes sense; log1p with difference is the growth rate.
struct TargetTransform {
  bool scale = false;
  bool log1p = false;
  bool difference = false;
  /// Stands in for a scale that is missing, infinite, zero or negative, e.g. of a series without a
  /// sale yet. In the unit of the target; a sensible one is the mean over all series.
  double fallback_scale = 1;

  /// z of the target `y`; NaN, so that the row cannot be trained on, when y is missing, when the
  /// anchor is needed and missing, or when ln(1 + v) is not defined (v <= -1).
  [[nodiscard]] double Apply(double y, const TargetReference& reference) const noexcept;
  /// y of the model's answer `z`; NaN when z is NaN or a needed anchor is missing or beyond the
  /// logarithm. Invert(Apply(y)) == y but for rounding.
  [[nodiscard]] double Invert(double z, const TargetReference& reference) const noexcept;

  [[nodiscard]] bool needs_scale() const noexcept { return scale; }
  [[nodiscard]] bool needs_anchor() const noexcept { return difference; }

  /// The steps in their order, such as "scale+log1p"; empty without any.
  [[nodiscard]] std::string StepsText() const;
  /// {"steps": ["scale", "log1p", "difference"], "fallback_scale": 1.0}, steps in this order.
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  friend bool operator==(const TargetTransform&, const TargetTransform&) = default;
};

/// Reads what ToJson() wrote, or a declaration: "none", "log1p", "difference", "scale", or an array
/// of those steps, in the order in which they are applied (scale, log1p, difference), none twice.
/// Throws SpecError.
[[nodiscard]] TargetTransform ReadTargetTransform(const preprocessing::JsonNode& node);

}  // namespace forkcast::model
