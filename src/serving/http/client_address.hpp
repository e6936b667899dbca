#pragma once

#include <string_view>

#include "serving/config/ip_network.hpp"

namespace forkcast::serving {

/// What proxies say of where a request came from.
struct Forwarding {
  std::string_view forwarded_for{};  ///< X-Forwarded-For
  std::string_view forwarded{};      ///< Forwarded (RFC 7239)
};

/// The address that a request came from first, as far as those who say so are trusted: each proxy
/// writes its own peer behind what it was told, so from the right on one after the other is
/// believed while the one that said it is `trusted`. `peer`: the connection's, empty of a Unix
/// socket. X-Forwarded-For counts where there is one, else Forwarded: a proxy has to write the one,
/// or remove both. What is no address (`unknown`, `_hidden`) ends it. A view into one of its
/// arguments; allocates nothing.
[[nodiscard]] std::string_view ClientAddress(std::string_view peer, const Forwarding& said,
                                             const TrustedProxies& trusted) noexcept;

}  // namespace forkcast::serving
