#pragma once

#include <array>
#include <charconv>
#include <string>

namespace forkcast::model {

/// The shortest text that reads as the same number.
template <typename T>
std::string TextOf(T number) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end};
}

}  // namespace forkcast::model
