#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// When a process that died may be started again: at once after a stable life; else after 0.1 s,
/// doubled with each failure in a row up to 30 s, less up to a quarter by chance, so that what
/// died together does not start together for ever.
class RestartDelay {
 public:
  explicit RestartDelay(std::uint32_t seed) : random_(seed) {}

  /// A process that had been started at `started` died, or could not be started, at `now`.
  void OnDeath(MonotonicTime started, MonotonicTime now) {
    failures_ = now - started >= kStableAfter ? 0 : std::min(failures_ + 1, 32U);
    next_ = now;
    if (failures_ == 0) return;
    const auto delay =
        std::min(kFirst * (std::int64_t{1} << std::min(failures_ - 1, 16U)), kLongest);
    next_ += delay - std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(
                         0, delay.count() / 4)(random_));
  }

  [[nodiscard]] MonotonicTime next() const noexcept { return next_; }
  /// A new beginning, of another generation.
  void Reset() noexcept {
    failures_ = 0;
    next_ = MonotonicTime::min();
  }

  static constexpr std::chrono::seconds kStableAfter{10};
  static constexpr std::chrono::milliseconds kFirst{100};
  static constexpr std::chrono::milliseconds kLongest{30'000};

 private:
  std::minstd_rand random_;
  unsigned failures_ = 0;
  MonotonicTime next_ = MonotonicTime::min();
};

}  // namespace forkcast::serving
