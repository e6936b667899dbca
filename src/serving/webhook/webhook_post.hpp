#pragma once

#include <memory>
#include <string>

#include "serving/webhook/webhook_queue.hpp"
#include "serving/webhook/webhook_settings.hpp"

namespace forkcast::serving {

/// Sends one message at a time, by libcurl. One thread calls Send(); any may Abort().
class WebhookPost {
 public:
  explicit WebhookPost(const WebhookSettings& settings);
  WebhookPost(const WebhookPost&) = delete;
  WebhookPost& operator=(const WebhookPost&) = delete;
  ~WebhookPost();

  struct Answer {
    WebhookOutcome outcome = WebhookOutcome::kFailed;
    std::string reason{};  ///< Why it was not delivered.
  };
  /// Waits at most the settings' timeout. Of an answer only the status counts: what follows it is
  /// not waited for. Redirections are not followed.
  [[nodiscard]] Answer Send(const WebhookMessage& message, const std::string& signature);
  /// Ends Send(), now and for ever.
  void Abort() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace forkcast::serving
