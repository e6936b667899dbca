#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace forkcast::wire {

/// What came, for a message: between quotes, and cut where it is long.
[[nodiscard]] inline std::string Quote(std::string_view came) {
  constexpr std::size_t kShown = 100;
  return fmt::format("\"{}{}\"", came.substr(0, kShown), came.size() > kShown ? "..." : "");
}

}  // namespace forkcast::wire
