#include "data_preprocessing/kafka/message_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace forkcast::preprocessing {

std::string PlaceOfMessage(const std::string& topic, const KafkaMessage& message) {
  return fmt::format("{}/{} at {}", topic, message.partition(), message.offset());
}

MessageSource::MessageSource(const std::string& topic, std::span<const KafkaMessage> messages,
                             MessageReader& reader)
    : topic_(topic),
      name_(fmt::format("{}{}", kKafkaScheme, topic)),
      messages_(messages),
      reader_(reader) {}

Result<std::string> MessageSource::ContentHash() {
  return Error{ErrorCode::kInternal, "messages have no contents that would be known again"};
}

Result<Fetched> MessageSource::Read(std::size_t max_rows, RowBatch& batch) {
  batch.rows.Clear();
  batch.places.clear();
  batch.texts.Clear();
  batch.set_aside.clear();
  const std::size_t end = std::min(messages_.size(), next_ + max_rows);
  if (next_ == end) return Fetched::kEnd;
  for (; next_ < end; ++next_) {
    const KafkaMessage& message = messages_[next_];
    const Status appended = message.is_tombstone()
                                ? Error{ErrorCode::kInvalidArgument,
                                        "the message has no value: rows are not removed by it"}
                                : reader_.Append(message.value(), batch.rows);
    if (appended) {
      batch.places.push_back(next_);
      if (sets_aside_) batch.texts.AppendText(message.value());
    } else if (sets_aside_) {
      batch.set_aside.push_back({.place = next_,
                                 .reason = appended.error().message,
                                 .text = std::string(message.value())});
    } else {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {}", PlaceOf(next_), appended.error().message)};
    }
  }
  batch.position = {.done = end, .total = messages_.size()};
  return Fetched::kRows;
}

std::string MessageSource::PlaceOf(std::size_t place) const {
  return PlaceOfMessage(topic_, messages_[place]);
}

}  // namespace forkcast::preprocessing
