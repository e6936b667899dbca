#include "client/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forkcast::client {
namespace {

using testing::ElementsAre;
using Entry = Tally::Entry;

TEST(Tally, ListsTheMostFrequentFirstAndEqualCountsByName) {
  Tally tally;
  for (const char* value : {"b", "c", "a", "c", "b", "c", "a", "z"}) tally.Add(value);
  EXPECT_THAT(tally.Entries(),
              ElementsAre(Entry{"c", 3}, Entry{"a", 2}, Entry{"b", 2}, Entry{"z", 1}));
}

TEST(Tally, CountsValuesBeyondItsLimitTogether) {
  Tally tally;
  for (std::size_t i = 0; i < Tally::kMaxValues + 5; ++i) tally.Add("v" + std::to_string(i));
  tally.Add("v0");  // one that it knows
  const std::vector<Entry> entries = tally.Entries();
  EXPECT_EQ(entries.size(), Tally::kMaxValues + 1);
  EXPECT_EQ(entries[0], (Entry{std::string(Tally::kOtherValues), 5}));
  EXPECT_EQ(entries[1], (Entry{"v0", 2}));
}

}  // namespace
}  // namespace forkcast::client
