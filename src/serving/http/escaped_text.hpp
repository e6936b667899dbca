#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forkcast::serving {

/// Appends `text` for a line of a log: quotes and backslashes behind a backslash, whatever is no
/// printable ASCII as `prefix` (`\x`; of JSON `\u00`) and two digits; cut to `most` bytes, with
/// "..." at its end.
void AppendEscaped(std::string_view text, std::string_view prefix, std::size_t most,
                   std::string& out);

/// Appends `,"name":"text"`, the text escaped and cut so.
void AppendJsonMember(std::string_view name, std::string_view text, std::size_t most,
                      std::string& out);

}  // namespace forkcast::serving
