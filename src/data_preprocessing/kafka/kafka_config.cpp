#include "data_preprocessing/kafka/kafka_config.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::preprocessing {
namespace {

using ErrorText = std::array<char, 512>;

}  // namespace

Result<KafkaOptions> ReadKafkaOptions(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) return Error{ErrorCode::kIo, fmt::format("{}: {}", file.string(), std::strerror(errno))};
  KafkaOptions options;
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    const std::string_view line = Trimmed(text, kBlanksAndLineEnds);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: line {}: expected name=value", file.string(), number)};
    }
    options.emplace_back(Trimmed(line.substr(0, equals), kBlanksAndLineEnds),
                         Trimmed(line.substr(equals + 1), kBlanksAndLineEnds));
  }
  return options;
}

void FreeKafkaConf::operator()(rd_kafka_conf_s* conf) const noexcept {
  rd_kafka_conf_destroy(conf);
}

Result<KafkaConf> MakeKafkaConf(const KafkaOptions& options) {
  KafkaConf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : options) {
    ErrorText why{};
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) ==
        RD_KAFKA_CONF_OK) {
      continue;
    }
    // The value may be a secret, which librdkafka's words may show.
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("librdkafka knows no option \"{}\" with such a value", name), name};
  }
  return conf;
}

void DestroyKafka::operator()(rd_kafka_s* handle) const noexcept { rd_kafka_destroy(handle); }

Result<KafkaHandle> MakeKafkaHandle(KafkaRole role, KafkaConf conf) {
  ErrorText why{};
  rd_kafka_t* const handle =
      rd_kafka_new(role == KafkaRole::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf.get(),
                   why.data(), why.size());
  if (handle == nullptr) return Error{ErrorCode::kInvalidArgument, fmt::format("{}", why.data())};
  static_cast<void>(conf.release());  // its owner now
  return KafkaHandle(handle);
}

}  // namespace forkcast::preprocessing
