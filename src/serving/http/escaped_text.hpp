#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forkcast::serving {

// Escaped bytes of what lines of several logs have: a line is written in one piece.
inline constexpr std::size_t kMostOfAPath = 2048;
inline constexpr std::size_t kMostOfAnId = 1024;
inline constexpr std::size_t kMostOfAWord = 64;
inline constexpr std::size_t kMostOfTheRest = 512;  ///< Names, numbers, the time.

/// Appends `text` for a line of a log: quotes and backslashes behind a backslash, whatever is no
/// printable ASCII as `prefix` (`\x`; of JSON `\u00`) and two digits; cut to `most` bytes, with
/// "..." at its end.
void AppendEscaped(std::string_view text, std::string_view prefix, std::size_t most,
                   std::string& out);

/// Appends `,"name":"text"`, the text escaped and cut so.
void AppendJsonMember(std::string_view name, std::string_view text, std::size_t most,
                      std::string& out);

}  // namespace forkcast::serving
