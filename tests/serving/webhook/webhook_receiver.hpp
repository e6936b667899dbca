#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// Takes webhooks on a port of 127.0.0.1, one connection after the other, and answers as it is
/// told.
class WebhookReceiver {
 public:
  enum class Answers : std::uint8_t {
    kOk,
    kServerError,
    kNotFound,
    kNothing,    ///< Keeps the connection until the sender gives up.
    kDripsHead,  ///< A byte now and then, for ever.
    kDripsBody,  ///< A status of 200, then likewise.
  };
  /// By connection; the last one is that of all that follow.
  explicit WebhookReceiver(std::vector<Answers> answers);
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;
  ~WebhookReceiver();

  [[nodiscard]] std::string url() const { return url_; }
  /// What came, head and body.
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void Run();
  void Serve(int connection, Answers how);
  /// Until the other end closes, or this object ends. `drip`: something to send meanwhile.
  void HoldOpen(int connection, const char* drip) const;

  std::vector<Answers> answers_;
  Fd listener_;
  Fd wake_;  // readable when it is to end
  std::string url_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace forkcast::serving
