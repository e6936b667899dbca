#pragma once

#include <memory>

#include "model/history/history_method.hpp"

namespace forkcast::model {

/// A HistoryMethodKind::make: {"algorithm": "theta", "season": 7, "variant": "standard"}. A season
/// that is beyond chance is taken out first and put back in.
[[nodiscard]] std::unique_ptr<const HistoryMethod> MakeTheta(
    const preprocessing::JsonNode& declaration);

}  // namespace forkcast::model
