#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/kafka/kafka_config.hpp"
#include "data_preprocessing/kafka/kafka_consumer.hpp"
#include "data_preprocessing/kafka/kafka_url.hpp"

namespace forkcast::preprocessing {

/// A topic for messages that were not taken: each as it came, with the headers `forkcast.reason`
/// and `forkcast.source` ("orders/3 at 17"). One that the topic does not take because of its size
/// goes there without its value, with the header `forkcast.cut`. Not thread-safe.
class DeadLetters {
 public:
  static Result<DeadLetters> Open(const KafkaUrl& url, const KafkaOptions& options);

  Status Add(const KafkaMessage& message, std::string_view reason);
  /// Waits until the brokers have all of them. kIo.
  Status Flush();

 private:
  DeadLetters(KafkaUrl url)
      : url_(std::move(url)), failed_(std::make_unique<std::atomic<int>>(0)) {}
  /// 0, or an error of librdkafka.
  int Send(const KafkaMessage& message, std::string_view reason, bool with_value);

  KafkaUrl url_;
  std::unique_ptr<std::atomic<int>> failed_;  // librdkafka's last error of a delivery; it outlives
  KafkaHandle handle_;
};

}  // namespace forkcast::preprocessing
