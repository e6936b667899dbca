#include "serving/webhook/webhook_sender.hpp"

#include <spdlog/logger.h>

#include <array>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

namespace forkcast::serving {
namespace {

SeriesCounter CounterOf(SeriesWriter& series, std::string_view receiver, std::string_view result) {
  const std::array<std::string_view, 2> labels{receiver, result};
  return series.CounterOf("webhook_messages", labels);
}

}  // namespace

WebhookSender::WebhookSender(const WebhookSettings& settings, const Context& context)
    : settings_(settings),
      receiver_(ReceiverOf(settings_.url)),
      log_(context.log),
      clock_(context.clock),
      post_(settings_),
      queue_(settings_.attempts, context.pauses, context.seed),
      delivered_(CounterOf(context.series, receiver_, "delivered")),
      retried_(CounterOf(context.series, receiver_, "tried_again")),
      lost_(CounterOf(context.series, receiver_, "lost")) {}

WebhookSender::~WebhookSender() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  post_.Abort();
  condition_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (const std::size_t left = queue_.size(); left > 0) TellLost(left, "the recorder ends");
}

void WebhookSender::Send(WebhookMessage message) {
  const std::lock_guard lock(mutex_);
  if (!queue_.Add(std::move(message))) return TellLost(1, "too many wait for it");
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  condition_.notify_all();
}

void WebhookSender::Run() {
  std::unique_lock lock(mutex_);
  while (!stops_) {
    const MonotonicTime now = clock_.Monotonic();
    if (const WebhookMessage* const due = queue_.Due(now)) {
      Try(*due, lock);
    } else if (queue_.size() == 0) {
      condition_.wait(lock);
    } else {
      condition_.wait_for(lock, queue_.next() - now);
    }
  }
}

void WebhookSender::Try(const WebhookMessage& message, std::unique_lock<std::mutex>& lock) {
  const WebhookMessage copy = message;  // the queue may grow meanwhile
  lock.unlock();
  const WebhookPost::Answer answer = Post(copy);
  lock.lock();
  if (stops_) return;  // was aborted, perhaps: it counts as left
  const MonotonicTime now = clock_.Monotonic();
  switch (queue_.OnOutcome(answer.outcome, now)) {
    case WebhookQueue::Then::kDone:
      delivered_.Add(1);
      return log_.info("webhook_delivered receiver={:?} event={} id={}", receiver_, copy.event,
                       copy.id);
    case WebhookQueue::Then::kLater:
      retried_.Add(1);
      if (const auto held_back = failures_.Pass(now)) {
        log_.warn("webhook_failed receiver={:?} reason={:?} suppressed={}", receiver_,
                  answer.reason, *held_back);
      }
      return;
    case WebhookQueue::Then::kGivenUp:
      return TellLost(1, answer.reason);
  }
}

WebhookPost::Answer WebhookSender::Post(const WebhookMessage& message) {
  // Read each time, so that a new one needs no restart.
  const Result<std::string> secret = ReadWebhookSecret(settings_.secret_file);
  if (!secret) return {.outcome = WebhookOutcome::kFailed, .reason = secret.error().message};
  try {
    return post_.Send(message, SignatureOf(message.body, *secret));
  } catch (const std::exception& error) {
    return {.outcome = WebhookOutcome::kFailed, .reason = error.what()};
  }
}

void WebhookSender::TellLost(std::size_t messages, const std::string& reason) {
  lost_.Add(messages);
  if (const auto held_back = losses_.Pass(clock_.Monotonic())) {
    log_.warn("webhook_lost receiver={:?} messages={} reason={:?} suppressed={}", receiver_,
              messages, reason, *held_back);
  }
}

}  // namespace forkcast::serving
