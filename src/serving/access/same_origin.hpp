#pragma once

#include <string_view>

namespace forkcast::serving {

/// What a browser says of the page that asks.
struct AskingPage {
  std::string_view origin{};  ///< Origin; empty: it said nothing.
  std::string_view site{};    ///< Sec-Fetch-Site; likewise.
};

/// Whether it is a page of another origin than `host` (the header Host), as far as the browser says
/// so. Sec-Fetch-Site, which browsers send over TLS and to this machine, says it in so many words;
/// else Origin has to name the host, and its port where Host has one: proxies may leave that out.
/// What no browser sends says neither, and is no page.
[[nodiscard]] bool IsOfAnotherOrigin(const AskingPage& page, std::string_view host) noexcept;

}  // namespace forkcast::serving
