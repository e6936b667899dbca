#pragma once

#include <algorithm>
#include <cstddef>
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

/// Whether it is no character that is seen, and no blank.
[[nodiscard]] constexpr bool IsControl(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// Whether all are characters of ASCII that are seen, or blanks.
[[nodiscard]] constexpr bool IsPrintableAscii(char c) noexcept { return c >= ' ' && c < 0x7F; }
[[nodiscard]] constexpr bool IsPrintableAscii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return IsPrintableAscii(c); });
}

/// Whether all are those that are seen, without blanks.
[[nodiscard]] constexpr bool IsVisibleAscii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

inline constexpr std::string_view kBlanksAndLineEnds = " \t\r\n";

/// Without the `blanks` at its ends.
[[nodiscard]] constexpr std::string_view Trimmed(std::string_view text,
                                                 std::string_view blanks = " \t") noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// Whether `name` can be that of a file or a folder and a part of a URL's path, unescaped: 1 to
/// `most` letters, digits, '-', '_' and '.', the first one no '.', so that nothing is hidden and
/// nothing leads out of its folder.
[[nodiscard]] constexpr bool IsPlainName(std::string_view name, std::size_t most) noexcept {
  const auto is_plain = [](char c) {
    const char low = Lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= most && name.front() != '.' &&
         std::ranges::all_of(name, is_plain);
}

}  // namespace forkcast
