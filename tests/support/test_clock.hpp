#pragma once

#include <chrono>
#include <utility>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast {

/// A clock whose time passes when a test says so, or with each look at it.
class TestClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override { return wall_; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    return std::exchange(now_, now_ + step_);
  }
  void Set(MonotonicTime now) noexcept { now_ = now; }
  void SetNow(Instant now) noexcept { wall_ = now; }
  void PassWithEachLook(MonotonicTime::duration step) noexcept { step_ = step; }

 private:
  mutable MonotonicTime now_{std::chrono::hours(1)};
  MonotonicTime::duration step_{0};
  Instant wall_{};
};

}  // namespace forkcast
