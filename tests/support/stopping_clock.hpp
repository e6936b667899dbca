#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <utility>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast {

/// Does something when it is asked for the time often enough: at the same place every time.
class ActingClock : public Clock {
 public:
  ActingClock(int calls, std::function<void()> act) : calls_(calls), act_(std::move(act)) {}
  /// After all data of tests.
  [[nodiscard]] Instant Now() const noexcept override {
    return Instant(std::chrono::sys_days(std::chrono::year{2026} / 11 / 29));
  }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    if (--calls_ == 0) act_();
    return {};
  }

 private:
  mutable int calls_;
  std::function<void()> act_;
};

/// Raises SIGTERM.
class StoppingClock final : public ActingClock {
 public:
  explicit StoppingClock(int calls) : ActingClock(calls, [] { ::raise(SIGTERM); }) {}
};

}  // namespace forkcast
