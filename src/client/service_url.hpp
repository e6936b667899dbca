#pragma once

#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::client {

/// Where requests go: a TCP address, or a Unix socket.
struct ServiceUrl {
  std::string host{};                   ///< Name or address, an IPv6 address without brackets.
  std::string port = "80";              ///< Decimal.
  std::string socket_path{};            ///< Of a Unix socket; empty for TCP.
  std::string target = "/invocations";  ///< Path and query of the requests.

  /// Value of the Host header; "localhost" for a Unix socket.
  [[nodiscard]] std::string HostHeader() const;
  /// The address alone, for messages: "http://127.0.0.1:8080" or "unix:/path/to.sock".
  [[nodiscard]] std::string Address() const;
  friend bool operator==(const ServiceUrl&, const ServiceUrl&) = default;
};

/// Reads `http://HOST[:PORT][/path][?query]` (no path, or `/` alone, is `/invocations`; no port is
/// 80) or `unix:/path/to.sock`. kInvalidArgument says what is wrong and which forms there are.
Result<ServiceUrl> ParseServiceUrl(std::string_view url);

/// `target` with `partial=true` in its query, so that the answer to a batch has an error object in
/// the place of each bad row, and the good rows are answered. A `partial` that is there stays.
[[nodiscard]] std::string AskingForPartialAnswers(std::string_view target);

}  // namespace forkcast::client
