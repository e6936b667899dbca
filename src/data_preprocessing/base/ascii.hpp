#pragma once

#include <algorithm>
#include <string_view>

namespace forkcast {

/// The small letter of A to Z; anything else as it is, whatever the locale.
[[nodiscard]] constexpr char Lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether two texts are the same but for the case of these letters.
[[nodiscard]] constexpr bool EqualsIgnoringCase(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

}  // namespace forkcast
