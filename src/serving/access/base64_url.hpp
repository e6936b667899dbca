#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::serving {

/// base64url (RFC 4648, 5) without signs at its end.
[[nodiscard]] std::string ToBase64Url(std::span<const std::uint8_t> bytes);
/// The bytes of such a text; none of any other, and of one that has another spelling.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> FromBase64Url(std::string_view text);

}  // namespace forkcast::serving
