#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace forkcast::serving {

enum class WorkerState : std::uint32_t {
  kEmpty,     ///< No process.
  kBooting,   ///< Loads model and snapshots.
  kReady,     ///< Answers.
  kDraining,  ///< Finishes what it has, takes nothing new.
};

/// What one worker tells the others, in memory that all processes share. Written by that worker
/// alone; the master writes only while no process owns the slot. Lock-free: a reader may see
/// fields of slightly different moments.
struct alignas(128) WorkerSlot {
  std::atomic<std::uint32_t> state{0};  // a WorkerState
  std::atomic<pid_t> pid{0};
  std::atomic<std::uint64_t> generation{0};
  std::atomic<std::int64_t> started_ns{0};           // CLOCK_MONOTONIC, as all of these
  std::atomic<std::int64_t> heartbeat_ns{0};         // the loop's last tick
  std::atomic<std::int64_t> request_started_ns{0};   // of the request in work; 0 when idle
  std::atomic<std::int64_t> request_deadline_ns{0};  // likewise
  std::atomic<std::uint64_t> connections{0};         // open now
  std::atomic<std::uint64_t> resident_bytes{0};      // memory of the process, at the last tick
  // Counters since the server started; they survive the workers that have this slot in turn.
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> client_errors{0};  // 4xx
  std::atomic<std::uint64_t> server_errors{0};  // 5xx
  std::atomic<std::uint64_t> clipped{0};        // refused because the server was stopping
  std::atomic<std::uint64_t> refused{0};        // refused because too much was waiting
  std::atomic<std::uint64_t> captured{0};
  std::atomic<std::uint64_t> capture_dropped{0};  // the recorder was slow, absent, or the disk full
  std::atomic<std::uint64_t> hook_failures{0};
  std::atomic<std::uint64_t> restarts{0};  // processes that ended unasked; the master's to count
  /// Id of the request in work, cut to fit; for the report of a worker that is aborted in it.
  std::array<std::atomic<char>, 64> request_id{};

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  [[nodiscard]] WorkerState State() const noexcept {
    return static_cast<WorkerState>(state.load(std::memory_order_acquire));
  }
  void SetState(WorkerState now) noexcept {
    state.store(static_cast<std::uint32_t>(now), std::memory_order_release);
  }
};

/// Whether some worker answers.
[[nodiscard]] inline bool AnyReady(std::span<const WorkerSlot> slots) noexcept {
  return std::ranges::any_of(
      slots, [](const WorkerSlot& slot) { return slot.State() == WorkerState::kReady; });
}

/// What the master tells all workers at once, also those whose loop is busy. Written by the master.
struct ServerState {
  /// When whatever is in work has to be over because the server stops; 0 while it does not.
  std::atomic<std::int64_t> stop_deadline_ns{0};
  std::atomic<std::uint64_t> restarts{0};  ///< Workers that ended unasked.
};

}  // namespace forkcast::serving
