#include "data_preprocessing/dao/sqlite/row_numbers.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {
namespace {

/// All rows of a hash, in the order in which they are handed out.
std::vector<std::uint32_t> RowsOf(const RowNumbers& numbers, std::uint32_t hash) {
  std::vector<std::uint32_t> rows;
  const Result<bool> found = numbers.Find(hash, [&rows](std::uint32_t row) -> Result<bool> {
    rows.push_back(row);
    return false;
  });
  EXPECT_FALSE(*found);
  return rows;
}

TEST(RowNumbers, GivesAllRowsOfAHashAndNoOthers) {
  std::mt19937 random(3);
  std::multimap<std::uint32_t, std::uint32_t> expected;
  RowNumbers numbers;
  for (std::uint32_t row = 1; row <= 20'000; ++row) {
    const std::uint32_t hash = (random() % 9'000) * 65'537;
    expected.emplace(hash, row);
    numbers.Add(hash, row);
  }
  for (std::uint32_t i = 0; i < 9'000; ++i) {
    const std::uint32_t hash = i * 65'537;
    std::vector<std::uint32_t> rows = RowsOf(numbers, hash);
    std::ranges::sort(rows);
    std::vector<std::uint32_t> right;
    for (auto [at, end] = expected.equal_range(hash); at != end; ++at) right.push_back(at->second);
    EXPECT_EQ(rows, right) << hash;
  }
}

TEST(RowNumbers, AReplacedRowIsAnother) {
  RowNumbers numbers;
  numbers.Add(5, 1);
  numbers.Add(5, 2);
  numbers.Replace(5, 1, 9);
  EXPECT_EQ(RowsOf(numbers, 5), (std::vector<std::uint32_t>{9, 2}));
}

TEST(RowNumbers, HasRoomForNumbersOf32Bits) {
  EXPECT_TRUE(RowNumbers().HasRoomFor(UINT32_MAX));
  EXPECT_FALSE(RowNumbers().HasRoomFor(std::int64_t{UINT32_MAX} + 1));
}

}  // namespace
}  // namespace forkcast::preprocessing
