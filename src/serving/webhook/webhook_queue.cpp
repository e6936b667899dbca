#include "serving/webhook/webhook_queue.hpp"

#include <algorithm>
#include <utility>

namespace forkcast::serving {

bool WebhookQueue::Add(WebhookMessage message) {
  if (waiting_.size() >= kMostMessages) return false;
  waiting_.push_back(std::move(message));
  return true;
}

const WebhookMessage* WebhookQueue::Due(MonotonicTime now) const noexcept {
  return waiting_.empty() || now < next_ ? nullptr : &waiting_.front();
}

MonotonicTime WebhookQueue::next() const noexcept {
  return waiting_.empty() ? MonotonicTime::max() : next_;
}

WebhookQueue::Then WebhookQueue::OnOutcome(WebhookOutcome outcome, MonotonicTime now) {
  if (outcome == WebhookOutcome::kFailed && ++failures_ < attempts_) {
    next_ = now + PauseAfter(failures_);
    return Then::kLater;
  }
  waiting_.pop_front();
  failures_ = 0;
  next_ = now;
  return outcome == WebhookOutcome::kDelivered ? Then::kDone : Then::kGivenUp;
}

std::chrono::milliseconds WebhookQueue::PauseAfter(std::size_t failures) {
  constexpr std::size_t kMostDoublings = 16;
  const auto whole = std::min(
      pauses_.first * (std::int64_t{1} << std::min(failures - 1, kMostDoublings)), pauses_.longest);
  const std::chrono::milliseconds off(
      std::uniform_int_distribution<std::int64_t>(0, whole.count() / 2)(random_));
  return whole - off;
}

}  // namespace forkcast::serving
