#include "data_preprocessing/series/text_numbers.hpp"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <bit>
#include <string>
#include <vector>

#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {
namespace {

/// Texts of many lengths, an empty one among them.
std::string TextOf(std::uint32_t number) {
  return std::string(number % 50, 'x') + (number == 0 ? "" : std::to_string(number));
}

TEST(TextNumbers, NumbersTextsInTheOrderInWhichTheyCome) {
  TextNumbers texts;
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    ASSERT_EQ(texts.NumberOf(TextOf(i)), i);
    ASSERT_EQ(texts.NumberOf(TextOf(i / 2)), i / 2);
  }
  ASSERT_EQ(texts.size(), 5'000U);
  for (std::uint32_t i = 0; i < 5'000; ++i) ASSERT_EQ(texts.TextAt(i), TextOf(i));
}

TEST(TextNumbers, HasTheBucketsThatOneWouldMakeOfAllTexts) {
  for (const std::uint32_t count : {0U, 1U, 2U, 3U, 1'000U, 1'023U, 1'024U}) {
    TextNumbers texts;
    std::vector<std::uint64_t> expected(std::bit_ceil(std::size_t{count} * 2 + 1));
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string text = TextOf(i);
      texts.NumberOf(text);
      const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
      std::size_t slot = hash & (expected.size() - 1);
      while (expected[slot] != 0) slot = (slot + 1) & (expected.size() - 1);
      expected[slot] = snapshot_format::MakeBucket(hash, i);
    }
    const auto buckets = texts.buckets();
    EXPECT_EQ(std::vector(buckets.begin(), buckets.end()), expected) << count;
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
