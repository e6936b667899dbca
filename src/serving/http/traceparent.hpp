#pragma once

#include <string_view>

namespace forkcast::serving {

/// Whether `text` is a `traceparent` (W3C Trace Context, 3.2): version, trace id, parent id and
/// flags in small hexadecimal digits, neither id of zeros alone. A later version than 00 may have
/// more behind these; ff is none.
[[nodiscard]] bool IsTraceparent(std::string_view text) noexcept;

}  // namespace forkcast::serving
