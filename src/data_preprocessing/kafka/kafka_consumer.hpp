#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/kafka/kafka_config.hpp"
#include "data_preprocessing/kafka/kafka_url.hpp"

struct rd_kafka_message_s;
struct rd_kafka_topic_s;
struct rd_kafka_topic_partition_list_s;

namespace forkcast::preprocessing {

/// A message as it came. Its bytes live as long as it.
class KafkaMessage {
 public:
  explicit KafkaMessage(rd_kafka_message_s* message) noexcept : message_(message) {}

  [[nodiscard]] std::int32_t partition() const noexcept;
  [[nodiscard]] std::int64_t offset() const noexcept;
  /// Whether it has no value at all, which stands for the removal of its key.
  [[nodiscard]] bool is_tombstone() const noexcept;
  [[nodiscard]] std::string_view value() const noexcept;
  [[nodiscard]] std::string_view key() const noexcept;
  [[nodiscard]] rd_kafka_message_s* get() const noexcept { return message_.get(); }

 private:
  struct Destroy {
    void operator()(rd_kafka_message_s* message) const noexcept;
  };
  std::unique_ptr<rd_kafka_message_s, Destroy> message_;
};

/// A member of a group, which shares the partitions of a topic with the others. Where it goes on in
/// each of them says its owner (Start), from what its store has, and not Kafka. Not thread-safe.
class KafkaConsumer {
 public:
  static Result<std::unique_ptr<KafkaConsumer>> Open(const KafkaUrl& url,
                                                     const KafkaOptions& options);
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;
  /// Leaves the group.
  ~KafkaConsumer();

  /// Joins the group, once the topic is there. kNotFound when it is not, kIo when no broker
  /// answers within `patience`.
  Status Join(std::chrono::milliseconds patience);
  [[nodiscard]] bool has_joined() const noexcept { return has_joined_; }

  /// The next message within `wait`. None: nothing came, or the partitions are others now.
  std::optional<KafkaMessage> Poll(std::chrono::milliseconds wait);

  /// The partitions that are its own at present.
  [[nodiscard]] const std::vector<std::int32_t>& partitions() const noexcept { return partitions_; }
  /// Whether the group has said, since it joined, which those are.
  [[nodiscard]] bool is_assigned() const noexcept { return is_assigned_; }
  /// Whether Start() is to be called before messages come: they are others than before, or Stop()
  /// was called.
  [[nodiscard]] bool needs_start() const noexcept { return needs_start_; }
  /// Goes on at these offsets; none: at the oldest message. Of all partitions().
  Status Start(const std::map<std::int32_t, std::optional<std::int64_t>>& offsets);
  /// Messages that came are to come again: from where Start() will say.
  void Stop() noexcept { needs_start_ = !partitions_.empty(); }

  /// Tells Kafka's tools how far it is; nothing depends on it.
  void TellOffsets(const std::map<std::int32_t, std::int64_t>& next) const;

  /// Messages that are there behind `next`, as far as it is known.
  [[nodiscard]] std::size_t Lag(const std::map<std::int32_t, std::int64_t>& next) const;
  /// Whether all messages were read that were there at Start(), or an end was met since.
  [[nodiscard]] bool AtEnds(const std::map<std::int32_t, std::int64_t>& next) const;
  /// What is wrong; empty: nothing. Asks the brokers whether they are there: every 2 s, and each
  /// time when they were not.
  [[nodiscard]] std::string Problem();

 private:
  KafkaConsumer(KafkaUrl url) : url_(std::move(url)) {}
  static void OnRebalance(rd_kafka_s* handle, int error,
                          rd_kafka_topic_partition_list_s* partitions, void* self);
  void Note(int error, std::string_view text, std::int32_t partition);

  struct DestroyTopic {
    void operator()(rd_kafka_topic_s* topic) const noexcept;
  };

  KafkaUrl url_;
  KafkaHandle handle_;
  std::unique_ptr<rd_kafka_topic_s, DestroyTopic> topic_;
  bool has_joined_ = false;
  bool is_assigned_ = false;
  bool needs_start_ = false;
  std::vector<std::int32_t> partitions_;
  std::map<std::int32_t, std::int64_t> ends_;  // behind the last message at Start(); 0: met since
  std::string unreachable_;                    // why, while no broker is there
  std::chrono::steady_clock::time_point asked_{};  // when that was asked last
  std::string problem_;                            // of a partition, until Start()
};

}  // namespace forkcast::preprocessing
