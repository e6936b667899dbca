#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "serving/metrics/series.hpp"
#include "serving/webhook/webhook_post.hpp"
#include "serving/webhook/webhook_queue.hpp"
#include "serving/webhook/webhook_settings.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Tells one receiver, from a thread of its own, so that whoever has something to tell never waits.
/// What cannot be told is counted and logged: there is no room, the receiver refuses it or does not
/// answer however often it is asked, the process ends.
///
/// A message is a POST of its JSON with the headers X-Forkcast-Event, X-Forkcast-Id, by which a
/// receiver knows one that it has already, and X-Forkcast-Signature (SignatureOf()).
class WebhookSender {
 public:
  /// All outlives this.
  struct Context {
    spdlog::logger& log;
    const Clock& clock;
    SeriesWriter& series;
    std::uint32_t seed = 1;
    WebhookQueue::Pauses pauses{};
  };
  WebhookSender(const WebhookSettings& settings, const Context& context);
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;
  /// Gives up what is not told yet; waits for nobody.
  ~WebhookSender();

  /// From one thread.
  void Send(WebhookMessage message);

 private:
  void Run();
  /// With the lock held, which it gives up meanwhile.
  void Try(const WebhookMessage& message, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] WebhookPost::Answer Post(const WebhookMessage& message);
  void TellLost(std::size_t messages, const std::string& reason);

  const WebhookSettings settings_;
  const std::string receiver_;
  spdlog::logger& log_;
  const Clock& clock_;
  WebhookPost post_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable condition_;
  WebhookQueue queue_;
  SeriesCounter delivered_;
  SeriesCounter retried_;
  SeriesCounter lost_;
  LogLimiter failures_;
  LogLimiter losses_;
  bool stops_ = false;

  std::thread thread_;  // from the first message on
};

}  // namespace forkcast::serving
