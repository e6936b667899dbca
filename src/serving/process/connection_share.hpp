#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// Whether the worker of slot `own` may take the next connection, rather than another that answers:
/// unless one is idle while it is not, or has two fewer. A difference of one is none: with short
/// connections it changes faster than workers can heed it.
[[nodiscard]] inline bool MayTakeNext(std::span<const WorkerSlot> slots, std::size_t own) noexcept {
  const std::uint64_t connections = slots[own].metrics.Get("connections");
  return std::ranges::none_of(slots, [connections](const WorkerSlot& slot) {
    const std::uint64_t others = slot.metrics.Get("connections");
    const bool has_fewer = others == 0 ? connections > 0 : others + 1 < connections;
    return has_fewer && slot.State() == WorkerState::kReady;
  });
}

}  // namespace forkcast::serving
