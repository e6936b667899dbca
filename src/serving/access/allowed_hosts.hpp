#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

// A page in a browser may ask whatever its own name leads to. Whoever owns a name can have it lead
// to another machine's address, 127.0.0.1 say, and so read what only that machine was to see (DNS
// rebinding). The browser says under which name it asks: what is asked under a name that is not
// ours is refused.

/// One name of ours as it is compared, in small letters: `NAME`, `NAME:PORT`, `*.DOMAIN` for all
/// below a domain, `[IPV6]`. kInvalidArgument says what was expected.
[[nodiscard]] Result<std::string> ParseAllowedHost(std::string_view text);

/// Whether a value of the header Host is one of `allowed`. One without a port stands for all.
[[nodiscard]] bool IsAllowedHost(std::span<const std::string> allowed,
                                 std::string_view host) noexcept;

}  // namespace forkcast::serving
