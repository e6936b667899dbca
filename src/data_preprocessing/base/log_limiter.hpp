#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast {

/// Lets one log line pass in 10 s and counts those it holds back, for a cause that may repeat with
/// every request. Not thread-safe.
class LogLimiter {
 public:
  /// Number of lines held back since the last that passed; none when this one is held back too.
  [[nodiscard]] std::optional<std::uint64_t> Pass(MonotonicTime now) noexcept {
    if (now < next_) {
      ++held_back_;
      return std::nullopt;
    }
    next_ = now + kInterval;
    return std::exchange(held_back_, 0);
  }

 private:
  static constexpr std::chrono::seconds kInterval{10};

  MonotonicTime next_ = MonotonicTime::min();
  std::uint64_t held_back_ = 0;
};

}  // namespace forkcast
