#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace forkcast::fuzz {

// Binary formats have checksums and lengths that a fuzzer does not hit by chance, and a corpus of
// them cannot be read. So an input is what is changed in a file that is known to be good.

/// Takes the first line off `text`.
inline std::string_view TakeLine(std::string_view& text, char end = '\n') {
  const std::string_view line = text.substr(0, text.find(end));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// Writes a number as its sizeof(Number) bytes; nothing where they do not fit.
template <typename Number>
void Overwrite(std::uint64_t offset, std::uint64_t number, std::string& bytes) {
  const auto value = static_cast<Number>(number);
  if (bytes.size() < sizeof value || offset > bytes.size() - sizeof value) return;
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// Applies each line of `changes` to `bytes`: `u8 OFFSET NUMBER`, `u32 OFFSET NUMBER` and `u64
/// OFFSET NUMBER` write a number there, `cut SIZE` drops what is behind. Any other line is left
/// out.
inline void ApplyChanges(std::string_view changes, std::string& bytes) {
  const auto number_of = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc() || behind != end) return std::nullopt;
    return number;
  };
  while (!changes.empty()) {
    std::string_view line = TakeLine(changes);
    const std::string_view what = TakeLine(line, ' ');
    const auto first = number_of(TakeLine(line, ' '));
    const auto second = number_of(line);
    if (!first) continue;
    if (what == "cut" && *first <= bytes.size()) bytes.resize(*first);
    if (what == "u8" && second) Overwrite<std::uint8_t>(*first, *second, bytes);
    if (what == "u32" && second) Overwrite<std::uint32_t>(*first, *second, bytes);
    if (what == "u64" && second) Overwrite<std::uint64_t>(*first, *second, bytes);
  }
}

}  // namespace forkcast::fuzz
