#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// What is to be told. The same bytes each time that it is tried, so that a receiver knows by the
/// id what it has already.
struct WebhookMessage {
  std::string event;  ///< "drift_alarm"
  std::string id;
  std::string body;  ///< JSON.
};

/// How an attempt ended.
enum class WebhookOutcome : std::uint8_t {
  kDelivered,  ///< 2xx.
  kRefused,    ///< Another status, which asking again would not change.
  kFailed,     ///< No answer in time, or one that asks for patience: 408, 429, 5xx.
};

/// Messages that wait for being told, the oldest first, and when which is tried: at once, and after
/// a failure again after a pause that doubles, less up to a half by chance, so that many servers do
/// not ask a receiver that comes back all at once. Does nothing by itself: time is passed in.
class WebhookQueue {
 public:
  static constexpr std::size_t kMostMessages = 100;

  struct Pauses {
    std::chrono::milliseconds first{1'000};
    std::chrono::milliseconds longest{60'000};
  };
  WebhookQueue(std::size_t attempts, Pauses pauses, std::uint32_t seed)
      : attempts_(attempts), pauses_(pauses), random_(seed) {}

  /// False when it is full: the message is lost.
  [[nodiscard]] bool Add(WebhookMessage message);
  /// The one to be tried now; null when there is none. Stays until OnOutcome().
  [[nodiscard]] const WebhookMessage* Due(MonotonicTime now) const noexcept;
  /// When Due() has one; MonotonicTime::max() when nothing waits.
  [[nodiscard]] MonotonicTime next() const noexcept;

  enum class Then : std::uint8_t { kDone, kLater, kGivenUp };
  /// What became of the attempt of the one that was due. All but kLater take it off.
  Then OnOutcome(WebhookOutcome outcome, MonotonicTime now);

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  [[nodiscard]] std::chrono::milliseconds PauseAfter(std::size_t failures);

  std::size_t attempts_;
  Pauses pauses_;
  std::minstd_rand random_;
  std::deque<WebhookMessage> waiting_;
  // Of the first.
  std::size_t failures_ = 0;
  MonotonicTime next_ = MonotonicTime::min();
};

}  // namespace forkcast::serving
