#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/tree/forest_source.hpp"

/// Sets of categories as files of trees hold them (FORMAT.md): the number of words W, then W words
/// of 32 bits.
namespace forkcast::model {

/// Adds a set to `words`; where it begins.
inline std::uint32_t AppendCategorySet(std::span<const std::uint32_t> categories,
                                       std::vector<std::uint32_t>& words) {
  const auto begin = static_cast<std::uint32_t>(words.size());
  words.push_back(0);
  for (const std::uint32_t category : categories) {
    const std::size_t word = category / 32;
    if (words[begin] <= word) {
      words[begin] = static_cast<std::uint32_t>(word + 1);
      words.resize(begin + 2 + word);
    }
    words[begin + 1 + word] |= 1U << (category % 32);
  }
  return begin;
}

/// Words that the sets of a tree take.
[[nodiscard]] inline std::size_t CountCategoryWords(const ForestSource::Tree& tree) {
  std::size_t words = 0;
  for (const ForestSource::Node& node : tree.nodes) {
    if (!node.is_category) continue;
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < node.category_count; ++i) {
      most = std::max(most, tree.categories[node.first_category + i] / 32 + 1);
    }
    words += 1 + most;
  }
  return words;
}

/// Whether a set that begins at `begin` lies within `words`.
[[nodiscard]] inline bool HasCategorySet(std::span<const std::uint32_t> words,
                                         std::size_t begin) noexcept {
  return begin < words.size() && words[begin] <= words.size() - begin - 1;
}

/// Whether the whole part of `value` is in the set that begins at `begin`.
[[nodiscard]] inline bool IsInCategorySet(const std::uint32_t* words, std::size_t begin,
                                          float value) noexcept {
  if (!(value >= 0 && value < static_cast<float>(ForestSource::kMostCategories))) return false;
  const auto category = static_cast<std::uint32_t>(value);
  const std::uint32_t* const set = words + begin;
  return category / 32 < set[0] && ((set[1 + category / 32] >> (category % 32)) & 1U) != 0;
}

}  // namespace forkcast::model
