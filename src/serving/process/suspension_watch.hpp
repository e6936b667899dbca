#pragma once

#include <chrono>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// Notices, by a turn of a loop that took longer than it may, that the machine or this process was
/// suspended: then everybody's signs of life are old, and whoever is alive gets the time to show
/// it. Pure.
class SuspensionWatch {
 public:
  /// Turns are at most `turn` apart. Longer than twice that is not ours to take: shorter than the
  /// shortest heartbeat timeout by more than a tick of the workers, whose last stamp may be that
  /// old when all of us are suspended.
  SuspensionWatch(std::chrono::milliseconds turn, MonotonicTime now) noexcept
      : longest_(2 * turn), last_turn_(now), trusted_from_(now) {}

  void OnTurn(MonotonicTime now) noexcept {
    if (now - last_turn_ > longest_) trusted_from_ = now;
    last_turn_ = now;
  }
  /// Signs of life older than this prove nothing.
  [[nodiscard]] MonotonicTime trusted_from() const noexcept { return trusted_from_; }

 private:
  std::chrono::milliseconds longest_;
  MonotonicTime last_turn_;
  MonotonicTime trusted_from_;
};

}  // namespace forkcast::serving
