#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/source/message_reader.hpp"

namespace forkcast::preprocessing {

/// `kafka://BROKERS/TOPIC?group=NAME`, taken apart.
struct KafkaUrl {
  std::string brokers;  ///< HOST:PORT, more behind commas.
  std::string topic;
  std::string group;
  std::string table{};        ///< Empty: nothing was said.
  std::string dead_letter{};  ///< A topic for messages that are not taken; empty: none.
  MessageFormat format = MessageFormat::kJson;
  /// What else was said, for librdkafka: its names and values.
  std::vector<std::pair<std::string, std::string>> options{};

  friend bool operator==(const KafkaUrl&, const KafkaUrl&) = default;
};

inline constexpr std::string_view kKafkaScheme = "kafka:";

/// kInvalidArgument says what is missing, unknown or better kept elsewhere (passwords); no message
/// shows a value of an option.
[[nodiscard]] Result<KafkaUrl> ParseKafkaUrl(std::string_view url);

}  // namespace forkcast::preprocessing
