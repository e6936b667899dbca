#pragma once

#include <memory>

#include "model/history/history_method.hpp"

namespace forkcast::model {

/// A HistoryMethodKind::make: exponential smoothing, chosen by AICc. {"algorithm": "ets", "season":
/// 7, "model": "ZZZ", "damped": true}: three letters for error, trend and season, each A, M, N or
/// Z, which leaves the choice.
[[nodiscard]] std::unique_ptr<const HistoryMethod> MakeEts(
    const preprocessing::JsonNode& declaration);

}  // namespace forkcast::model
