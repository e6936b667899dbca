#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// The bytes of an IPv6 address; an IPv4 one is in them as `::ffff:a.b.c.d`.
using IpAddress = std::array<std::uint8_t, 16>;

/// None for what is no numeric address.
[[nodiscard]] std::optional<IpAddress> ParseIpAddress(std::string_view text) noexcept;

/// Addresses that begin alike.
struct IpNetwork {
  IpAddress address{};
  std::size_t bits = 128;  ///< How many of them are alike.

  [[nodiscard]] bool Holds(const IpAddress& other) const noexcept;

  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

/// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. kInvalidArgument says what was
/// expected; so is a network with bits behind its length, which is a slip of the pen.
Result<IpNetwork> ParseIpNetwork(std::string_view text);

/// Who is believed when it says for whom it asks.
struct TrustedProxies {
  bool unix_sockets = true;  ///< Whoever may connect to ours.
  std::vector<IpNetwork> networks;

  /// `peer`: a numeric address; empty: of a Unix socket.
  [[nodiscard]] bool Trust(std::string_view peer) const noexcept;

  friend bool operator==(const TrustedProxies&, const TrustedProxies&) = default;
};

}  // namespace forkcast::serving
