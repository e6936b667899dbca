#pragma once

#include <string>
#include <string_view>

namespace forkcast::preprocessing {

/// "xxh3-128:" and 32 hexadecimal digits: tells whether bytes are as they were written. Against
/// accidents, not against an attacker. O(bytes).
[[nodiscard]] std::string ContentHash(std::string_view bytes);

}  // namespace forkcast::preprocessing
