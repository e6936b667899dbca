#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// How long a request that comes now would wait until it is worked on, from what a loop knows of
/// itself. Pure: times are passed in.
class QueueDelay {
 public:
  using Duration = std::chrono::duration<double, std::nano>;

  /// The sockets have been asked which are ready, at `now`. `all`: each that is was named.
  void OnPoll(MonotonicTime now, bool all) noexcept {
    const MonotonicTime before = asked_.value_or(now);
    came_after_ = before;
    asked_ = all ? now : before;
  }
  /// None was, and nothing is left to do: whoever comes next is served at once.
  void OnIdle() noexcept { asked_.reset(); }

  /// What a request has waited at most that is taken up at `now`: it was not there when the sockets
  /// had been asked before.
  [[nodiscard]] Duration Waited(MonotonicTime now) const noexcept {
    return asked_ ? Duration(now - came_after_) : Duration(0);
  }

  /// How long whoever comes at `now` had better stay away: 0 unless it would wait for longer than
  /// `most`. `large`: behind the large ones, too.
  [[nodiscard]] std::chrono::seconds RetryAfter(MonotonicTime now, bool large,
                                                std::chrono::milliseconds most) const noexcept {
    const Duration wait = Waited(now) + (large ? LargeWait() : Duration(0));
    return wait <= most ? std::chrono::seconds(0) : std::chrono::ceil<std::chrono::seconds>(wait);
  }

  /// A large request, of so many bytes, is worked on when those before it are done.
  void OnLargeJoined(std::size_t bytes) noexcept { large_bytes_ += bytes; }
  /// It is answered, or given up.
  void OnLargeLeft(std::size_t bytes) noexcept { large_bytes_ -= bytes; }
  /// So long it took, once it was its turn.
  void OnLargeAnswered(std::size_t bytes, MonotonicTime::duration took) noexcept {
    const Duration of_a_byte = Duration(took) / static_cast<double>(bytes);
    per_byte_ = per_byte_ ? *per_byte_ + (of_a_byte - *per_byte_) / 4 : of_a_byte;
  }
  /// What another large one would wait for those that are here. None have been seen yet: 0.
  [[nodiscard]] Duration LargeWait() const noexcept {
    return per_byte_.value_or(Duration(0)) * static_cast<double>(large_bytes_);
  }

 private:
  std::optional<MonotonicTime> asked_;  // none: idle
  MonotonicTime came_after_;
  std::size_t large_bytes_ = 0;
  std::optional<Duration> per_byte_;
};

}  // namespace forkcast::serving
