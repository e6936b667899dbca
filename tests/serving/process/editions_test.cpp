#include "serving/process/editions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

namespace forkcast::serving {
namespace {

constexpr MonotonicTime kStart{std::chrono::hours(1)};

TEST(Editions, HaveOneLookAtATimeByWhoeverComesFirst) {
  Editions editions;
  EXPECT_TRUE(editions.TakeLook(kStart));
  EXPECT_FALSE(editions.TakeLook(kStart));
  EXPECT_FALSE(editions.TakeLook(kStart + Editions::kBetweenLooks - std::chrono::nanoseconds(1)));
  EXPECT_TRUE(editions.TakeLook(kStart + Editions::kBetweenLooks));
  EXPECT_FALSE(editions.TakeLook(kStart + Editions::kBetweenLooks));
}

TEST(Editions, LetOneFetchWhatIsElsewhereMoreSeldomThanLook) {
  Editions editions;
  EXPECT_TRUE(editions.TakeFetch(kStart));
  EXPECT_TRUE(editions.TakeLook(kStart));
  EXPECT_FALSE(editions.TakeFetch(kStart + Editions::kBetweenLooks));
  EXPECT_FALSE(
      editions.TakeFetch(kStart + Editions::kBetweenFetches - std::chrono::nanoseconds(1)));
  EXPECT_TRUE(editions.TakeFetch(kStart + Editions::kBetweenFetches));
}

TEST(Editions, GiveEachLookToOneOfManyThatComeAtOnce) {
  Editions editions;
  std::array<bool, 4> looks{};
  std::array<std::thread, 4> threads;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i] = std::thread([&, i] { looks[i] = editions.TakeLook(kStart); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(looks.begin(), looks.end(), true), 1);
}

TEST(Editions, BeginAtOneAndAreNumbered) {
  Editions editions;
  EXPECT_EQ(editions.newest(), 1U);
  EXPECT_EQ(editions.Announce(), 2U);
  EXPECT_EQ(editions.Announce(), 3U);
  EXPECT_EQ(editions.newest(), 3U);
}

}  // namespace
}  // namespace forkcast::serving
