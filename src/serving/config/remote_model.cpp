#include "serving/config/remote_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/config/address.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kMostAddresses = 16;

Error ExpectedAddress(std::string_view what) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("expected oip://HOST:PORT[,HOST:PORT...]/MODEL[/VERSION]: {}", what)};
}

Result<RemoteAddress> ParseRemoteAddress(std::string_view text) {
  const Result<Address> address = ParseAddress(text);
  const auto* const tcp = address ? std::get_if<TcpAddress>(&*address) : nullptr;
  if (tcp == nullptr || tcp->port == 0) {
    return ExpectedAddress(fmt::format(
        "\"{}\" is no address and port such as 127.0.0.1:8000, [::1]:8000 or triton:8000", text));
  }
  return RemoteAddress{.host = tcp->host, .port = tcp->port};
}

std::size_t Count(const JsonNode& node, std::string_view name, std::int64_t least,
                  std::int64_t greatest, std::size_t otherwise) {
  const auto member = node.Find(name);
  return member ? static_cast<std::size_t>(member->Integer(least, greatest)) : otherwise;
}

std::vector<RemoteOutput> ReadOutputs(const JsonNode& node) {
  std::vector<RemoteOutput> outputs;
  node.EachMember([&outputs](const std::string& name, const JsonNode& type) {
    const std::string word = type.String();
    if (word != "number" && word != "text") type.Fail("expected \"number\" or \"text\"");
    outputs.push_back(
        {.name = name,
         .type = word == "text" ? RemoteOutput::Type::kText : RemoteOutput::Type::kNumber});
  });
  if (outputs.empty()) node.Fail("expected at least one output");
  return outputs;
}

}  // namespace

std::string ToString(const RemoteAddress& address) {
  return ToString(Address(TcpAddress{.host = address.host, .port = address.port}));
}

Result<RemoteModelSpec> ParseRemoteModel(std::string_view url) {
  if (!url.starts_with(kRemoteScheme)) return ExpectedAddress("it begins otherwise");
  std::string_view rest = url.substr(kRemoteScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos)
    return ExpectedAddress("there is no model behind the addresses");
  RemoteModelSpec spec;
  std::string_view path = rest.substr(slash + 1);
  rest = rest.substr(0, slash);
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    Result<RemoteAddress> address = ParseRemoteAddress(rest.substr(0, comma));
    if (!address) return std::move(address).error();
    if (std::ranges::find(spec.addresses, *address) != spec.addresses.end()) {
      return ExpectedAddress(fmt::format("{} is there twice", ToString(*address)));
    }
    spec.addresses.push_back(*std::move(address));
    if (more) rest.remove_prefix(comma + 1);
  }
  if (spec.addresses.size() > kMostAddresses) {
    return ExpectedAddress(fmt::format("at most {} addresses", kMostAddresses));
  }
  const std::size_t version = path.find('/');
  spec.model = path.substr(0, version);
  const bool has_version = version != std::string_view::npos;
  if (has_version) spec.version = path.substr(version + 1);
  // They stand in paths as they are.
  if (!IsPlainName(spec.model, kLongestName)) return ExpectedAddress("MODEL is no plain name");
  if (has_version && !IsPlainName(spec.version, kLongestName)) {
    return ExpectedAddress("VERSION is no plain name");
  }
  return spec;
}

void ReadRemoteOptions(const JsonNode& node, RemoteModelSpec& spec) {
  constexpr std::int64_t kHour = 3'600'000;
  node.RequireObject({"outputs", "timeout_ms", "attempts", "breaker_failures", "breaker_rest_ms",
                      "max_batch", "max_delay_us", "connections", "max_in_flight"});
  if (const auto outputs = node.Find("outputs")) spec.outputs = ReadOutputs(*outputs);
  if (const auto timeout = node.Find("timeout_ms")) {
    spec.timeout = std::chrono::milliseconds(timeout->Integer(1, kHour));
  }
  spec.attempts = Count(node, "attempts", 1, 10, spec.attempts);
  spec.breaker_failures = Count(node, "breaker_failures", 1, 1000, spec.breaker_failures);
  if (const auto rest = node.Find("breaker_rest_ms")) {
    spec.breaker_rest = std::chrono::milliseconds(rest->Integer(10, kHour));
  }
  spec.max_batch = Count(node, "max_batch", 1, 65536, spec.max_batch);
  if (const auto delay = node.Find("max_delay_us")) {
    spec.max_delay = std::chrono::microseconds(delay->Integer(0, 1'000'000));
  }
  spec.connections = Count(node, "connections", 1, 64, spec.connections);
  spec.max_in_flight = Count(node, "max_in_flight", 1, 1'000'000, spec.max_in_flight);
  if (spec.max_delay >= spec.timeout) node.Fail("expected max_delay_us below timeout_ms");
}

}  // namespace forkcast::serving
