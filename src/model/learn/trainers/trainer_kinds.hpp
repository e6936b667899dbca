#pragma once

#include <span>

#include "model/learn/trainer.hpp"

namespace forkcast::model {

/// Every algorithm that a pipeline can declare, in the order in which they are listed to users. A
/// new one is a line in this table (../../README.md).
[[nodiscard]] std::span<const TrainerKind> TrainerKinds() noexcept;

}  // namespace forkcast::model
