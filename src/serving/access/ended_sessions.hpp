#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/session.hpp"

namespace forkcast::serving {

/// The sessions that were ended before their time, in memory that all workers share: browsers could
/// show them again. Each is kept until it would be over anyway. When there is no place for one more
/// all sessions are over that had begun by then: rather one too many than one too few. All
/// operations are atomic, none waits.
///
/// 1. A place is one word, written as a whole: no worker that is killed or stopped halfway leaves
///    half of one.
/// 2. A place whose time is over is free; nobody takes one that is not.
/// 3. `used_` is at least the number of places that were ever taken, before the session that took
///    the last one is told to be over.
class EndedSessions {
 public:
  static constexpr std::size_t kMost = 4096;

  /// `until`: when it would be over anyway. Once this has returned no worker takes it.
  void End(const Session& session, MonotonicTime until, MonotonicTime now) noexcept;
  [[nodiscard]] bool Has(const Session& session) const noexcept;

 private:
  std::atomic<std::size_t> used_{0};
  std::atomic<std::int64_t> all_until_ns_{-1};  // what had begun by then is over
  std::array<std::atomic<std::uint64_t>, kMost> places_{};
};

}  // namespace forkcast::serving
