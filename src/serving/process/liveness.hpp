#pragma once

#include <chrono>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// For a request to notice its own deadline, before its worker is taken for stuck.
inline constexpr std::chrono::milliseconds kDeadlineGrace{1'000};

/// Why a worker has to be taken for stuck.
struct Stuck {
  enum class In { kRequest, kLoop } in = In::kLoop;
  std::chrono::milliseconds since{};  ///< The request's begin, or the loop's last sign of life.

  friend bool operator==(const Stuck&, const Stuck&) = default;
};

/// Looks at what a worker tells of itself: a request that is over its deadline by more than
/// kDeadlineGrace, or, while there is none, a loop without a sign of life for `heartbeat_timeout`.
/// Nothing that is older than `trusted_from` counts: we were suspended, and maybe the worker was.
[[nodiscard]] std::optional<Stuck> FindStuck(const WorkerSlot& slot, MonotonicTime now,
                                             MonotonicTime trusted_from,
                                             std::chrono::milliseconds heartbeat_timeout) noexcept;

}  // namespace forkcast::serving
