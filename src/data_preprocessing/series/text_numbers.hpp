#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "data_preprocessing/series/growing_array.hpp"

namespace forkcast::preprocessing {

/// Numbers distinct texts (keys, or the values of a column) in the order in which they come: the
/// texts one behind the other, their ends, and buckets as a snapshot has them. At most 2^32 - 2.
class TextNumbers {
 public:
  TextNumbers() { buckets_.Resize(1, 0); }

  /// The text's number, a new one for a new text.
  std::uint32_t NumberOf(std::string_view text);
  /// Precondition: Release() was not called; so below.
  [[nodiscard]] std::string_view TextAt(std::size_t number) const noexcept {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return {characters_.span().data() + begin, ends_[number] - begin};
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::span<const char> characters() const noexcept { return characters_.span(); }
  /// Buckets as FORMAT.md has them: they depend on the texts and their order alone.
  [[nodiscard]] std::span<const std::uint64_t> buckets() const noexcept { return buckets_.span(); }

  /// Gives the memory of the buckets back. No text can be added or found from then on.
  void ReleaseBuckets() noexcept { buckets_.Release(); }

 private:
  void Put(std::uint64_t hash, std::size_t number) noexcept;
  /// Makes room for `count` texts.
  void Grow(std::size_t count);

  GrowingArray<char> characters_;
  GrowingArray<std::uint64_t> ends_;
  GrowingArray<std::uint64_t> buckets_;
};

}  // namespace forkcast::preprocessing
