#include "data_preprocessing/kafka/kafka_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kForm = "kafka://HOST:PORT/TOPIC?group=NAME";

/// Options on which it rests that each message counts once.
constexpr std::array<std::string_view, 7> kOurs{"bootstrap.servers",
                                                "metadata.broker.list",
                                                "group.id",
                                                "enable.auto.commit",
                                                "enable.auto.offset.store",
                                                "enable.partition.eof",
                                                "partition.assignment.strategy"};

Error Wrong(std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}: expected {}", what, kForm)};
}

/// Cuts what stands before the next `end`, and that, off `rest`; all of it when there is none.
std::string_view TakeUpTo(char end, std::string_view& rest) noexcept {
  const std::size_t found = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, found);
  rest.remove_prefix(std::min(found + 1, rest.size()));
  return taken;
}

std::optional<std::string> Decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

bool IsTopicName(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::ranges::all_of(name, is_allowed);
}

Status Take(const std::string& name, std::string value, KafkaUrl& url) {
  if (value.empty()) return Wrong(fmt::format("\"{}\" has no value", name));
  if (name == "group") {
    url.group = std::move(value);
  } else if (name == "table") {
    url.table = std::move(value);
  } else if (name == "dead_letter") {
    if (!IsTopicName(value)) return Wrong("\"dead_letter\" is no name of a topic");
    url.dead_letter = std::move(value);
  } else if (name == "format") {
    if (value != "json" && value != "csv") return Wrong("\"format\" is json or csv");
    url.format = value == "json" ? MessageFormat::kJson : MessageFormat::kCsv;
  } else if (std::ranges::find(kOurs, name) != kOurs.end()) {
    return Wrong(fmt::format("\"{}\" is set by Forkcast itself", name));
  } else if (name.find("password") != std::string::npos || name == "sasl.oauthbearer.config" ||
             name.ends_with(".pem") || name.ends_with(".secret")) {
    return Wrong(
        fmt::format("\"{}\" is a secret, which ps and logs would show: put it into a file, a line "
                    "\"{}=...\", and name the file in FORKCAST_KAFKA_CONFIG",
                    name, name));
  } else {
    url.options.emplace_back(name, std::move(value));
  }
  return {};
}

}  // namespace

Result<KafkaUrl> ParseKafkaUrl(std::string_view text) {
  if (TakeUpTo('/', text) != kKafkaScheme || TakeUpTo('/', text) != "") {
    return Wrong("this is no address of a topic");
  }
  std::string_view place = TakeUpTo('?', text);
  const std::string_view brokers = TakeUpTo('/', place);
  KafkaUrl url{.brokers = std::string(brokers), .topic = std::string(place), .group = {}};
  if (url.brokers.empty()) return Wrong("no broker is named");
  if (url.brokers.find('@') != std::string::npos) {
    return Wrong("user and password are no part of the address");
  }
  if (!IsTopicName(url.topic)) return Wrong("no topic is named");

  std::vector<std::string> given;
  while (!text.empty()) {
    const std::string_view part = TakeUpTo('&', text);
    const std::size_t equals = part.find('=');
    const std::optional<std::string> name = Decoded(part.substr(0, equals));
    const std::optional<std::string> value =
        equals == std::string_view::npos ? "" : Decoded(part.substr(equals + 1));
    if (!name || !value) return Wrong("a % is not followed by two hexadecimal digits");
    if (std::ranges::find(given, *name) != given.end()) {
      return Wrong(fmt::format("\"{}\" is given twice", *name));
    }
    given.push_back(*name);
    if (Status taken = Take(*name, *value, url); !taken) return std::move(taken).error();
  }
  if (url.group.empty()) return Wrong("\"group\" is missing: those of one group share the topic");
  if (url.dead_letter == url.topic) {
    return Wrong("\"dead_letter\" is the topic itself, which would be read for ever");
  }
  return url;
}

}  // namespace forkcast::preprocessing
