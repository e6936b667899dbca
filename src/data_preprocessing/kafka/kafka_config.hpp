#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"

struct rd_kafka_s;
struct rd_kafka_conf_s;

namespace forkcast::preprocessing {

/// Names and values of librdkafka's configuration, in the order in which they are set.
using KafkaOptions = std::vector<std::pair<std::string, std::string>>;

/// Lines `name=value` of a properties file; empty ones and those that begin with # say nothing.
/// kInvalidArgument names the line, and shows no value; kIo.
[[nodiscard]] Result<KafkaOptions> ReadKafkaOptions(const std::filesystem::path& file);

struct FreeKafkaConf {
  void operator()(rd_kafka_conf_s* conf) const noexcept;
};
using KafkaConf = std::unique_ptr<rd_kafka_conf_s, FreeKafkaConf>;

/// A configuration of these options. kInvalidArgument names the one that librdkafka does not take.
[[nodiscard]] Result<KafkaConf> MakeKafkaConf(const KafkaOptions& options);

struct DestroyKafka {
  void operator()(rd_kafka_s* handle) const noexcept;
};
using KafkaHandle = std::unique_ptr<rd_kafka_s, DestroyKafka>;

enum class KafkaRole { kConsumer, kProducer };

/// Starts librdkafka, which connects when it has to. kInvalidArgument for options that contradict
/// each other.
[[nodiscard]] Result<KafkaHandle> MakeKafkaHandle(KafkaRole role, KafkaConf conf);

}  // namespace forkcast::preprocessing
