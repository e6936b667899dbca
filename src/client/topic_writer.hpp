#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"

struct rd_kafka_s;
struct rd_kafka_topic_s;

namespace forkcast::client {

/// Writes messages into a Kafka topic. Not thread-safe.
class TopicWriter {
 public:
  using Options = std::vector<std::pair<std::string, std::string>>;  ///< Of librdkafka.

  /// kInvalidArgument for an option that librdkafka does not take (no value is shown); kIo when
  /// no broker answers within 10 s; kNotFound when there is no such topic.
  static Result<TopicWriter> Open(const std::string& brokers, const std::string& topic,
                                  const Options& options);

  /// Takes a message, which is written in the background; waits while too many are on their way.
  Status Write(std::string_view key, std::string_view value);
  /// Waits until the brokers have all of them. kIo when one could not be delivered.
  Status Flush();

 private:
  struct Destroy {
    void operator()(rd_kafka_s* producer) const noexcept;
  };

  struct DestroyTopic {
    void operator()(rd_kafka_topic_s* topic) const noexcept;
  };

  explicit TopicWriter(std::string topic)
      : topic_(std::move(topic)), failed_(std::make_unique<std::atomic<int>>(0)) {}
  [[nodiscard]] Status CheckTopic(const std::string& brokers) const;
  [[nodiscard]] Error NotWritten(int code) const;

  std::string topic_;
  std::unique_ptr<std::atomic<int>> failed_;  // librdkafka's error of a delivery; it outlives
  std::unique_ptr<rd_kafka_s, Destroy> producer_;
  std::unique_ptr<rd_kafka_topic_s, DestroyTopic> topic_handle_;
};

}  // namespace forkcast::client
