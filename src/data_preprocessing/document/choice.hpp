#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::preprocessing {

/// Words of a declaration and what they mean, in the order in which messages list them.
template <typename T, std::size_t kCount>
using Choices = std::array<std::pair<std::string_view, T>, kCount>;

/// What the word in `node` means. Throws SpecError: "expected day, week or month".
template <typename T, std::size_t kCount>
[[nodiscard]] T ReadChoice(const JsonNode& node, const Choices<T, kCount>& choices) {
  const std::string chosen = node.String();
  std::string words;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto& [word, meaning] = choices[i];
    if (word == chosen) return meaning;
    words += i == 0 ? "" : i + 1 < kCount ? ", " : " or ";
    words += word;
  }
  node.Fail("expected " + words);
}

}  // namespace forkcast::preprocessing
