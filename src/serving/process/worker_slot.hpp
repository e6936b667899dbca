#pragma once

// The memory that the server's processes share: a WorkerSlot a worker, and one ServerState.
//
// Invariants, by which the code names them:
//   1. One writer. A slot is written by the worker that has it; before that worker's fork and after
//      its end, by the master. Within the worker the loop's thread writes. The ServerState is
//      written by the master, but for the `editions`, in which any worker may begin another, and
//      what logs have lost, which is counted by whoever loses it.
//   2. A slot is kEmpty exactly while no process has it. The master takes it (kBooting) before it
//      forks and gives it back (kEmpty) when it has seen the end; in between its worker says how
//      far it is.
//   3. Counters never go back: they go on through the processes that have a slot in turn. Gauges
//      are of the process, and the master clears them at its end.
//   4. request_deadline_ns is not 0 while the loop works on a request, request_started_ns within
//      that. Outside both are 0, and it is the heartbeat that counts.
//   5. Nothing waits: every field is a lock-free atomic, so that a process that is killed at any
//      moment leaves nothing locked. Fields are of slightly different moments; only `state` orders:
//      whoever sees it sees what was written before it. A text is whole, or not told (SharedText).
//   6. A slot's `edition` is that of the newest look at what is published after which the worker
//      served all that it saw. It is behind the server's while the worker loads, and as long as it
//      cannot: then its `failure` says why, and is empty otherwise.
//   7. hook_at_work is not 0 while the loop is within a hook; when the worker ends there, unasked,
//      the master counts it among the server's hook_deaths. A reload forgets these.
//   8. Times are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "serving/metrics/metric_values.hpp"
#include "serving/process/editions.hpp"
#include "serving/process/hook_counters.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/shared_text.hpp"

namespace forkcast::serving {

enum class WorkerState : std::uint32_t {
  kEmpty,     ///< No process.
  kBooting,   ///< Loads model and snapshots.
  kReady,     ///< Answers.
  kDraining,  ///< Finishes what it has, takes nothing new.
};

/// As `forkcast status` shows it.
constexpr std::string_view WordFor(WorkerState state) noexcept {
  switch (state) {
    case WorkerState::kEmpty:
      return "empty";
    case WorkerState::kBooting:
      return "booting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kDraining:
      return "draining";
  }
  return {};
}

/// A short text that changes with every request: written and read in words, as long as they are
/// whole for whoever reads meanwhile.
class NotedText {
 public:
  static constexpr std::size_t kCapacity = 64;  ///< With the NUL behind it.

  /// What is longer is cut.
  void Store(std::string_view text) noexcept {
    text = text.substr(0, kCapacity - 1);
    std::size_t word = 0;
    for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
      StoreWord(word++, text.substr(0, sizeof(std::uint64_t)));
    }
    StoreWord(word, text);
  }
  /// Ends with a NUL.
  [[nodiscard]] std::array<char, kCapacity> Load() const noexcept {
    std::array<char, kCapacity> text{};
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::uint64_t word = words_[i].load(std::memory_order_relaxed);
      std::memcpy(text.data() + i * sizeof word, &word, sizeof word);
    }
    return text;
  }

 private:
  void StoreWord(std::size_t index, std::string_view bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    words_[index].store(word, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kCapacity / sizeof(std::uint64_t)> words_{};
};

/// What one worker tells the others. On cache lines of its own, so that no two workers share one;
/// 128 bytes, since processors fetch lines in pairs.
struct alignas(128) WorkerSlot {
  std::atomic<std::uint32_t> state{0};               // a WorkerState
  std::atomic<std::int64_t> heartbeat_ns{0};         // the loop's last tick
  std::atomic<std::int64_t> request_started_ns{0};   // of the slice in work; 0 when idle
  std::atomic<std::int64_t> request_deadline_ns{0};  // of its request, likewise
  MetricValues metrics;
  /// Id of the request in work, cut to fit; for the report of a worker that is aborted in it.
  NotedText request_id;
  std::array<HookCounters, kMaxHooks> hooks;   // in the order of the configuration
  std::atomic<std::uint32_t> hook_at_work{0};  // 1 + its place; 0: none
  SharedText<256> serves;                      // deployments and versions that answer
  SharedText<512> failure;  // of the newest models or snapshots, which it could not take

  static_assert(std::atomic<std::int64_t>::is_always_lock_free);

  [[nodiscard]] WorkerState State() const noexcept {
    return static_cast<WorkerState>(state.load(std::memory_order_acquire));
  }
  void SetState(WorkerState now) noexcept {
    state.store(static_cast<std::uint32_t>(now), std::memory_order_release);
  }
};

/// What a slot has counted. `in_flight` is of all requests in work, that of the slice included.
[[nodiscard]] inline MetricReadings ReadMetrics(const WorkerSlot& slot) noexcept {
  MetricReadings readings = slot.metrics.Read();
  const bool works = slot.request_deadline_ns.load(std::memory_order_relaxed) != 0;
  readings["in_flight"] = slot.metrics.Get("in_flight") + (works ? 1 : 0);
  return readings;
}

/// Whether some worker answers.
[[nodiscard]] inline bool AnyReady(std::span<const WorkerSlot> slots) noexcept {
  return std::ranges::any_of(
      slots, [](const WorkerSlot& slot) { return slot.State() == WorkerState::kReady; });
}

/// What concerns all workers at once.
struct ServerState {
  /// When whatever is in work has to be over because the server stops; 0 while it does not.
  std::atomic<std::int64_t> stop_deadline_ns{0};
  /// Behind the last slot that had a worker since the start: who looks at all of them need not look
  /// further.
  std::atomic<std::uint32_t> slots_end{0};
  /// How many workers died within each hook; from kDeathsUntilOff on it is left out.
  std::array<std::atomic<std::uint32_t>, kMaxHooks> hook_deaths{};
  Editions editions;
  LogLosses log_losses;
  LogLosses access_log_losses;
  MetricValues metrics;  ///< The server's own (Metric::Across::kServer).
};

}  // namespace forkcast::serving
