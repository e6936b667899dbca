#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// By what the workers of a server know that models or snapshots were published. All that is
/// published at one moment is an *edition*; editions have numbers, and each change of any model or
/// snapshot begins another. In memory that all workers share and write: every operation is one
/// atomic instruction, so that a process that is killed at any moment leaves nothing undone.
///
/// One worker at a time looks at the files, whichever comes first when it is time, so that the disk
/// is asked no more often when there are more workers, and nobody is missed: one that hangs, on a
/// network file system, say, is simply not the next. What it finds it announces, and all look.
class Editions {
 public:
  /// From one look to the next.
  static constexpr std::chrono::milliseconds kBetweenLooks{200};
  /// The same where models are published elsewhere, which is asked over a network.
  static constexpr std::chrono::milliseconds kBetweenFetches{5'000};

  /// Whether it is time to look; whoever is told so does it, nobody else is until it is time again.
  [[nodiscard]] bool TakeLook(MonotonicTime now) noexcept {
    return Take(last_look_ns_, kBetweenLooks, now);
  }
  /// Likewise, whether to bring what was published elsewhere to where all look.
  [[nodiscard]] bool TakeFetch(MonotonicTime now) noexcept {
    return Take(last_fetch_ns_, kBetweenFetches, now);
  }
  /// Begins another edition and returns its number: whoever reads that one or a later one sees on
  /// the disk what the caller saw.
  std::uint64_t Announce() noexcept { return newest_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  /// 1 at the start; only grows.
  [[nodiscard]] std::uint64_t newest() const noexcept {
    return newest_.load(std::memory_order_acquire);
  }

 private:
  static bool Take(std::atomic<std::int64_t>& last_ns, std::chrono::milliseconds pause,
                   MonotonicTime now) noexcept {
    const std::int64_t now_ns = Nanoseconds(now.time_since_epoch());
    std::int64_t last = last_ns.load(std::memory_order_relaxed);
    return now_ns - last >= Nanoseconds(pause) &&
           last_ns.compare_exchange_strong(last, now_ns, std::memory_order_relaxed);
  }
  static std::int64_t Nanoseconds(std::chrono::nanoseconds time) noexcept { return time.count(); }

  std::atomic<std::uint64_t> newest_{1};
  std::atomic<std::int64_t> last_look_ns_{0};
  std::atomic<std::int64_t> last_fetch_ns_{0};
};

}  // namespace forkcast::serving
