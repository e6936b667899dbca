#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// What a worker that drains leaves its connections. All is in the far future until it does.
struct DrainDeadlines {
  bool begun = false;
  MonotonicTime idle_until = MonotonicTime::max();  ///< For a request to begin.
  MonotonicTime stop_by = MonotonicTime::max();     ///< For one that has begun to be whole.

  /// A second time can only shorten both.
  void Begin(MonotonicTime idle, MonotonicTime stop) noexcept {
    begun = true;
    idle_until = std::min(idle_until, idle);
    stop_by = std::min(stop_by, stop);
  }
};

/// Until when one connection may wait for what it waits for. Each wait begins with one of the
/// Await...(); Tick() tells when it is over. Pure: times are passed in.
class ConnectionDeadlines {
 public:
  /// What an answer's reader gets to close its side, when bytes of it were left unread.
  static constexpr std::chrono::seconds kLinger{2};

  /// `timeout`: from a request's first byte to its answer's last; `idle_timeout`: between an answer
  /// and the next request. `drain` must outlive this.
  ConnectionDeadlines(std::chrono::seconds timeout, std::chrono::seconds idle_timeout,
                      const DrainDeadlines& drain) noexcept
      : timeout_(timeout), idle_timeout_(idle_timeout), drain_(drain) {}

  /// A request has come that began at `started`; returns when it has to be answered.
  MonotonicTime OnRequest(MonotonicTime started) noexcept {
    idle_due_.reset();
    answer_due_ = started + timeout_;
    return answer_due_;
  }
  /// What has come will get an answer that it may take its time to read.
  void OnFault(MonotonicTime now) noexcept { answer_due_ = now + timeout_; }

  /// A part of an answer is there that goes on for as long as there is something to tell: each may
  /// take its time to be read.
  void OnPart(MonotonicTime now) noexcept { answer_due_ = now + timeout_; }

  /// For a request to begin. What comes without beginning one does not prolong it.
  void AwaitRequest(MonotonicTime now) noexcept {
    if (!idle_due_) idle_due_ = now + idle_timeout_;
    Await(std::min(*idle_due_, drain_.idle_until));
  }
  /// For a request that began at `started` to be whole.
  void AwaitRest(MonotonicTime started) noexcept {
    Await(std::min(started + timeout_, drain_.stop_by));
  }
  /// For those before it to be answered.
  void AwaitOthers() noexcept { Await(std::min(answer_due_, drain_.stop_by)); }
  /// For the answer to be read.
  void AwaitReader() noexcept { Await(answer_due_); }
  /// For the peer to close its side.
  void AwaitEnd(MonotonicTime now) noexcept { Await(now + kLinger); }

  enum class Doing { kIdle, kReading, kAnswering };
  /// The worker drains from now on: shortens the wait in progress.
  void OnDrain(Doing doing) noexcept {
    if (doing == Doing::kIdle) due_ = std::min(due_, drain_.idle_until);
    if (doing == Doing::kReading) due_ = std::min(due_, drain_.stop_by);
  }

  enum class Due { kLater, kNow };
  /// kNow: the wait in progress has taken too long.
  Due Tick(MonotonicTime now) noexcept {
    if (now < due_) return Due::kLater;
    expired_ = true;
    return Due::kNow;
  }
  /// Whether the wait in progress, or the last one, took too long.
  [[nodiscard]] bool expired() const noexcept { return expired_; }
  /// Whether that was the wait for a request.
  [[nodiscard]] bool expired_idle() const noexcept { return expired_ && idle_due_.has_value(); }

 private:
  void Await(MonotonicTime due) noexcept {
    due_ = due;
    expired_ = false;
  }

  std::chrono::seconds timeout_;
  std::chrono::seconds idle_timeout_;
  const DrainDeadlines& drain_;
  MonotonicTime due_ = MonotonicTime::max();  // of the wait in progress
  bool expired_ = false;
  MonotonicTime answer_due_;               // when its last byte has to be written
  std::optional<MonotonicTime> idle_due_;  // once it waits for a request
};

}  // namespace forkcast::serving
