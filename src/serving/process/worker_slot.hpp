#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

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
  std::atomic<std::int64_t> heartbeat_ns{0};         // CLOCK_MONOTONIC of the loop's last tick
  std::atomic<std::int64_t> request_deadline_ns{0};  // of the request in work; 0 when idle
  std::atomic<std::uint64_t> connections{0};         // open now
  // Counters since the server started; they survive the workers that have this slot in turn.
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> client_errors{0};  // 4xx
  std::atomic<std::uint64_t> server_errors{0};  // 5xx
  std::atomic<std::uint64_t> captured{0};
  std::atomic<std::uint64_t> capture_dropped{0};  // the recorder was slow, absent, or the disk full
  std::atomic<std::uint64_t> hook_failures{0};

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

}  // namespace forkcast::serving
