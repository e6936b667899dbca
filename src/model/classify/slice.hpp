#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::model {

/// "<", "<=", "==", "!=", ">=", ">".
enum class Comparison { kLess, kLessEqual, kEqual, kNotEqual, kGreaterEqual, kGreater };

/// A test of one feature. A missing value passes none, not even "!=".
struct Condition {
  std::size_t feature = 0;  ///< Its position in the pipeline.
  Comparison comparison = Comparison::kEqual;
  /// A text, a bool, or a double that is compared with int64 and double features.
  preprocessing::OwnedValue value;

  friend bool operator==(const Condition&, const Condition&) = default;
};

/// Rows that are shown apart: those that pass all conditions.
struct SliceSpec {
  std::string name;
  std::vector<Condition> conditions;

  /// `features`: a row in the pipeline's order. NaN passes no condition.
  [[nodiscard]] bool Contains(std::span<const preprocessing::Value> features) const;
  friend bool operator==(const SliceSpec&, const SliceSpec&) = default;
};

/// At most so many.
inline constexpr std::size_t kMaxSlices = 64;

/// Reads [{"name": "in_stock", "feature": "spare", ">=": 0}, {"name": "late_and_in_stock", "all":
/// [{"feature": "hour", ">=": 22, "<": 24}, {"feature": "spare", ">=": 0}]}]. A condition has one
/// comparison or more; texts and bools are compared by == and != alone. Throws SpecError: also for
/// a name given twice, and a feature that is unknown or a timestamp.
[[nodiscard]] std::vector<SliceSpec> ReadSlices(
    const preprocessing::JsonNode& node, std::span<const preprocessing::FeatureSpec> features);

}  // namespace forkcast::model
