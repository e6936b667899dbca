#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "data_preprocessing/kafka/kafka_consumer.hpp"
#include "data_preprocessing/source/message_reader.hpp"
#include "data_preprocessing/source/row_source.hpp"

namespace forkcast::preprocessing {

/// "orders/3 at 17": where a message stands.
[[nodiscard]] std::string PlaceOfMessage(const std::string& topic, const KafkaMessage& message);

/// The rows of messages that came. A place is the position of one among them. All outlive it.
class MessageSource final : public RowSource {
 public:
  MessageSource(const std::string& topic, std::span<const KafkaMessage> messages,
                MessageReader& reader);

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return false; }
  /// kInternal: offsets tell messages apart.
  Result<std::string> ContentHash() override;
  void SetBadRowsAside() override { sets_aside_ = true; }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override;
  [[nodiscard]] std::string PlaceOf(std::size_t place) const override;

 private:
  const std::string& topic_;
  std::string name_;
  std::span<const KafkaMessage> messages_;
  MessageReader& reader_;
  std::size_t next_ = 0;
  bool sets_aside_ = false;
};

}  // namespace forkcast::preprocessing
