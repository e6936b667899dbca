#pragma once

#include <array>
#include <span>
#include <string_view>

#include "data_preprocessing/features/feature_declaration.hpp"

namespace forkcast::preprocessing {

/// A kind of operator: the "op" that a pipeline names it by, and what reads the rest of such an
/// element. `read` checks which members there are (RequireObject), asks the declaration for what
/// they stand for, and throws SpecError where something is wrong.
struct OperatorType {
  std::string_view name;
  DeclaredOperator (*read)(FeatureDeclaration& declaration);
  /// Members that may be a list, which declares a feature for each element; the rest is empty.
  std::array<std::string_view, 4> lists{};
  /// The member after which a feature is called that says no name; empty: it must say one.
  std::string_view named_after{};
  bool reads_series = true;  ///< Has "series", "value" and "key".
};

/// All there are, in the order in which messages list them.
[[nodiscard]] std::span<const OperatorType> OperatorTypes() noexcept;

/// The type of that name, or null.
[[nodiscard]] const OperatorType* FindOperatorType(std::string_view name) noexcept;

/// The type that `op` names. Throws SpecError that lists all of them.
[[nodiscard]] const OperatorType& RequireOperatorType(const JsonNode& op);

}  // namespace forkcast::preprocessing
