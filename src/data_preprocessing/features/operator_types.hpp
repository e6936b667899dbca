#pragma once

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
};

/// All there are, in the order in which messages list them.
[[nodiscard]] std::span<const OperatorType> OperatorTypes() noexcept;

/// The type that `op` names. Throws SpecError that lists all of them.
[[nodiscard]] const OperatorType& RequireOperatorType(const JsonNode& op);

}  // namespace forkcast::preprocessing
