#include "data_preprocessing/series/text_numbers.hpp"

#include <xxhash.h>

#include <bit>

#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {
namespace {

/// At most half of the buckets are taken.
std::size_t BucketsFor(std::size_t count) noexcept { return std::bit_ceil(count * 2 + 1); }

}  // namespace

std::uint32_t TextNumbers::NumberOf(std::string_view text) {
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t slot = hash & mask; buckets_[slot] != 0; slot = (slot + 1) & mask) {
    if ((buckets_[slot] ^ hash) >> 32U != 0) continue;
    const std::size_t number = (buckets_[slot] & 0xFFFFFFFFU) - 1;
    if (TextAt(number) == text) return static_cast<std::uint32_t>(number);
  }
  const std::size_t number = size();
  characters_.Append(text);
  ends_.push_back(characters_.size());
  if (BucketsFor(size()) > buckets_.size()) {
    Grow(size());
  } else {
    Put(hash, number);
  }
  return static_cast<std::uint32_t>(number);
}

void TextNumbers::Put(std::uint64_t hash, std::size_t number) noexcept {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t slot = hash & mask;
  while (buckets_[slot] != 0) slot = (slot + 1) & mask;
  buckets_[slot] = snapshot_format::MakeBucket(hash, number);
}

void TextNumbers::Grow(std::size_t count) {
  buckets_.Release();  // first, so that old and new ones are not in memory together
  buckets_.Resize(BucketsFor(count), 0);
  for (std::size_t number = 0; number < count; ++number) {
    const std::string_view text = TextAt(number);
    Put(XXH3_64bits(text.data(), text.size()), number);
  }
}

}  // namespace forkcast::preprocessing
