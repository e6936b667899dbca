#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// Whether an address is asked at all (the circuit breaker of M. Nygard, Release It!, chapter 5):
/// after failures in a row it is left alone for a while, then tried once, and is asked again when
/// that went well; each trial that fails doubles the rest. So one that is away costs those who ask
/// a few errors, and not a timeout each; and one that comes back is not overrun at once. Pure:
/// times are passed in.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t {
    kClosed,    ///< It is asked.
    kHalfOpen,  ///< It is being tried.
    kOpen,      ///< It is left alone.
  };
  struct Rules {
    std::size_t failures = 5;              ///< In a row, at which it opens.
    std::chrono::milliseconds rest{1000};  ///< Before the first trial.
  };
  static constexpr std::chrono::milliseconds kLongestRest{30'000};

  explicit CircuitBreaker(Rules rules) : rules_(rules), rest_(rules.rest) {}

  [[nodiscard]] State state() const noexcept { return state_; }
  /// When it may be tried. Precondition: it is open.
  [[nodiscard]] MonotonicTime trial_at() const noexcept { return trial_at_; }

  /// Whether it may be tried now; then it is, and one of the next two has to tell how that went.
  [[nodiscard]] bool BeginTrial(MonotonicTime now) noexcept {
    if (state_ != State::kOpen || now < trial_at_) return false;
    state_ = State::kHalfOpen;
    return true;
  }
  /// An answer came, good or bad. What was asked before it opened says nothing any more.
  void OnSuccess() noexcept {
    if (state_ == State::kOpen) return;
    state_ = State::kClosed;
    failures_ = 0;
    rest_ = rules_.rest;
  }
  /// None came, or one that says that none can be given.
  void OnFailure(MonotonicTime now) noexcept {
    if (state_ == State::kOpen) return;
    if (state_ == State::kClosed && ++failures_ < rules_.failures) return;
    Open(now);
  }
  /// Opens it at once, of one that cannot be asked whatever it answers.
  void Open(MonotonicTime now) noexcept {
    if (state_ == State::kHalfOpen) {
      rest_ = std::min(2 * rest_, std::max(kLongestRest, rules_.rest));
    }
    state_ = State::kOpen;
    failures_ = 0;
    trial_at_ = now + rest_;
  }

 private:
  Rules rules_;
  State state_ = State::kClosed;
  std::size_t failures_ = 0;  // in a row, while it is closed
  std::chrono::milliseconds rest_;
  MonotonicTime trial_at_;
};

}  // namespace forkcast::serving
