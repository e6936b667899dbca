#pragma once

#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"

namespace forkcast::serving {

/// Longest path of a Unix socket, in bytes: what fits a sockaddr_un with its final zero.
inline constexpr std::size_t kMaxUnixPath = 107;

/// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:PATH`. The address is never left
/// out: that a server listens on all interfaces is spelled `0.0.0.0:8080` (IPv4) or `[::]:8080`.
/// Port 0 means any free one. kInvalidArgument says what was expected.
Result<Address> ParseAddress(std::string_view text);

/// The text that ParseAddress() reads back.
[[nodiscard]] std::string ToString(const Address& address);

}  // namespace forkcast::serving
