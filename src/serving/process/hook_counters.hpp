#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "serving/process/shared_text.hpp"

namespace forkcast::serving {

/// Of a configuration.
inline constexpr std::size_t kMaxHooks = 16;
/// Deaths of workers within a hook after which it is left out.
inline constexpr std::uint32_t kDeathsUntilOff = 3;

/// What one hook of the configuration did in the workers that had a slot in turn. One writer, as of
/// all in a slot.
struct HookCounters {
  using Counter = std::atomic<std::uint64_t>;

  SharedText<24> type;  ///< As the configuration calls it.
  Counter calls{0};     ///< A hook may be called several times a request.
  Counter failures{0};
  Counter flagged{0};   ///< Calls that flagged,
  Counter rejected{0};  ///< or refused something.
  /// The clock would cost more than most hooks do, so one call in kCallsPerTiming is timed.
  Counter timed_calls{0};
  Counter timed_ns{0};
  std::atomic<bool> is_off{false};  ///< Of the process that has the slot now.

  static constexpr std::uint64_t kCallsPerTiming = 16;

  static void Add(Counter& counter, std::uint64_t by = 1) noexcept {
    // One writer, so no instruction that locks is needed.
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
};

}  // namespace forkcast::serving
