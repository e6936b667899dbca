#pragma once

#include <chrono>
#include <cstdint>

namespace forkcast {

/// A point of wall time, UTC, microseconds since 1970-01-01T00:00:00Z. The only kind of time that
/// tables, series and features hold.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

/// Deadlines and latencies; immune to changes of the wall clock.
using MonotonicTime = std::chrono::steady_clock::time_point;

constexpr std::int64_t ToMicros(Instant instant) noexcept {
  return instant.time_since_epoch().count();
}
constexpr Instant FromMicros(std::int64_t micros) noexcept {
  return Instant{std::chrono::microseconds{micros}};
}

/// Where code that needs "now" gets it, so that tests pass time in.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant Now() const noexcept = 0;
  [[nodiscard]] virtual MonotonicTime Monotonic() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const noexcept override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
  [[nodiscard]] MonotonicTime Monotonic() const noexcept override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace forkcast
