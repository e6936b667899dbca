#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// Which connections can go on, and for how long they may before it is the loop's turn again. A
/// turn has rounds, in each of which everybody who can go on does so once; several of them, for a
/// moment, so that waking costs little of each request. Pure: times are passed in.
template <typename Connection>
class ReadySet {
 public:
  static constexpr int kRoundsOfATurn = 4;
  static constexpr std::chrono::milliseconds kTurn{1};

  /// Will go on in the next round. To be added once until then.
  void Add(Connection& connection) { next_.push_back(&connection); }

  void BeginTurn(MonotonicTime now) noexcept {
    began_ = now;
    rounds_ = 0;
  }
  /// Those of this round, in the order in which they were added; valid until the next one.
  [[nodiscard]] std::span<Connection* const> TakeRound() noexcept {
    current_.clear();
    current_.swap(next_);
    return current_;
  }
  enum class Next : std::uint8_t {
    kRound,  ///< Another, at once.
    kLoop,   ///< There is more to do, after the loop's turn.
    kWait,   ///< For a socket to become ready.
  };
  /// `any`: somebody went on in it.
  [[nodiscard]] Next EndRound(bool any, MonotonicTime now) noexcept {
    if (!any) return Next::kWait;
    return ++rounds_ < kRoundsOfATurn && now - began_ < kTurn ? Next::kRound : Next::kLoop;
  }

 private:
  std::vector<Connection*> next_;
  std::vector<Connection*> current_;
  MonotonicTime began_;
  int rounds_ = 0;
};

}  // namespace forkcast::serving
