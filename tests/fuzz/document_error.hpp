#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "fuzz/require.hpp"

namespace forkcast::fuzz {

/// That an error of a JSON document says what it is about: the path that JsonNode puts in front, or
/// the line, member or number that ParseJson does.
inline void RequireSaysWhere(const Error& error) {
  constexpr std::array<std::string_view, 4> kBeginnings{"$", "line ", "member \"",
                                                        "number overflow parsing '"};
  Require(error.code == ErrorCode::kInvalidArgument);
  Require(std::ranges::any_of(kBeginnings, [&error](std::string_view beginning) {
    return error.message.starts_with(beginning);
  }));
}

}  // namespace forkcast::fuzz
