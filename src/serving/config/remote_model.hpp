#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::serving {

/// Where a server of the Open Inference Protocol is.
struct RemoteAddress {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const RemoteAddress&, const RemoteAddress&) = default;
};
/// "HOST:PORT"
[[nodiscard]] std::string ToString(const RemoteAddress& address);

/// A number or a text that a remote model gives for a row.
struct RemoteOutput {
  enum class Type : std::uint8_t { kNumber, kText };
  std::string name;
  Type type = Type::kNumber;
  friend bool operator==(const RemoteOutput&, const RemoteOutput&) = default;
};

/// A model that runs in another server, and how it is asked.
struct RemoteModelSpec {
  std::vector<RemoteAddress> addresses{};  ///< At least one; all have the same model.
  std::string model{};
  std::string version{};  ///< Empty: the one that they choose.
  /// Declared, so that answers, routes and the API's description are known while the remote is
  /// away.
  std::vector<RemoteOutput> outputs{{.name = "value"}};

  // Behaviour.
  std::chrono::milliseconds timeout{1000};  ///< For a request, all that is tried for it included.
  std::size_t attempts = 2;                 ///< Tries of a batch, each at another address.
  std::size_t breaker_failures = 5;         ///< In a row, at which an address is left alone.
  std::chrono::milliseconds breaker_rest{1000};  ///< For so long, at first.

  /// Whether it is compared with the pipeline when the deployment is loaded, and not only when the
  /// remote has to be asked. Not declared: the first workers do.
  bool is_checked_at_load = true;

  // Performance.
  std::size_t max_batch = 64;              ///< Rows sent at once.
  std::chrono::microseconds max_delay{0};  ///< That a row may wait for others to be sent with it.
  std::size_t connections = 2;             ///< Of a worker to an address.
  std::size_t max_in_flight = 4096;        ///< Rows of a worker that wait for their answer.

  friend bool operator==(const RemoteModelSpec&, const RemoteModelSpec&) = default;
};

/// What stands before the addresses of a remote model.
inline constexpr std::string_view kRemoteScheme = "oip://";

/// Reads `oip://HOST:PORT[,HOST:PORT...]/MODEL[/VERSION]`. kInvalidArgument says what was expected.
[[nodiscard]] Result<RemoteModelSpec> ParseRemoteModel(std::string_view url);

/// Reads a deployment's member "remote" into what its URL says:
///   {"outputs": {"value": "number", "class": "text"}, "timeout_ms": 1000, "attempts": 2,
///    "breaker_failures": 5, "breaker_rest_ms": 1000, "max_batch": 64, "max_delay_us": 0,
///    "connections": 2, "max_in_flight": 4096}
/// Throws SpecError.
void ReadRemoteOptions(const preprocessing::JsonNode& node, RemoteModelSpec& spec);

}  // namespace forkcast::serving
