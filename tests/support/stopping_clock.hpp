#pragma once

#include <signal.h>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast {

/// Raises SIGTERM when it is asked for the time often enough: a stop at the same place every time.
class StoppingClock final : public Clock {
 public:
  explicit StoppingClock(int calls) : calls_(calls) {}
  [[nodiscard]] Instant Now() const noexcept override { return {}; }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    if (--calls_ == 0) ::raise(SIGTERM);
    return {};
  }

 private:
  mutable int calls_;
};

}  // namespace forkcast
