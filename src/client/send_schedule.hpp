#pragma once

#include <chrono>
#include <cstddef>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::client {

/// When each request of an open loop is due: `rate` a second from `start` on, whatever became of
/// the requests before. Latency counts from there, or else a stall of the server would delay the
/// requests that would have shown it ("coordinated omission", G. Tene).
class SendSchedule {
 public:
  /// Precondition: rate > 0.
  SendSchedule(MonotonicTime start, double rate) noexcept : start_(start), rate_(rate) {}

  [[nodiscard]] MonotonicTime Due(std::size_t request) const noexcept {
    // From the start each time: adding up intervals would add up their rounding.
    const std::chrono::duration<double> since_start(static_cast<double>(request) / rate_);
    return start_ + std::chrono::duration_cast<MonotonicTime::duration>(since_start);
  }

 private:
  MonotonicTime start_;
  double rate_;
};

}  // namespace forkcast::client
