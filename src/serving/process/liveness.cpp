#include "serving/process/liveness.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

MonotonicTime Read(const std::atomic<std::int64_t>& ns) noexcept {
  return MonotonicTime(std::chrono::nanoseconds(ns.load(std::memory_order_relaxed)));
}

}  // namespace

std::optional<Stuck> FindStuck(const WorkerSlot& slot, MonotonicTime now,
                               MonotonicTime trusted_from,
                               milliseconds heartbeat_timeout) noexcept {
  const MonotonicTime deadline = Read(slot.request_deadline_ns);  // invariant 4 of worker_slot.hpp
  if (deadline != MonotonicTime()) {
    if (now < std::max(deadline, trusted_from) + kDeadlineGrace) return std::nullopt;
    return Stuck{
        .in = Stuck::In::kRequest,
        .since = std::chrono::duration_cast<milliseconds>(now - Read(slot.request_started_ns))};
  }
  const auto silent = now - std::max(Read(slot.heartbeat_ns), trusted_from);
  if (silent < heartbeat_timeout) return std::nullopt;
  return Stuck{.in = Stuck::In::kLoop, .since = std::chrono::duration_cast<milliseconds>(silent)};
}

}  // namespace forkcast::serving
