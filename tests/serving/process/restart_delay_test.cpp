#include "serving/process/restart_delay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

constexpr MonotonicTime kStart{std::chrono::hours(1)};

/// The delay after a process that lived for `life` died.
auto DelayAfter(RestartDelay& delay, MonotonicTime now, milliseconds life) {
  delay.OnDeath(now - life, now);
  return delay.next() - now;
}

TEST(RestartDelay, IsNoneBeforeTheFirstDeath) { EXPECT_LE(RestartDelay(1).next(), kStart); }

TEST(RestartDelay, DoublesUpToTheLongestLessUpToAQuarter) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    RestartDelay delay(seed);
    MonotonicTime now = kStart;
    milliseconds expected = RestartDelay::kFirst;
    for (int death = 1; death <= 100; ++death) {
      const auto chosen = DelayAfter(delay, now, milliseconds(0));
      ASSERT_LE(chosen, expected) << "seed " << seed << ", death " << death;
      ASSERT_GE(chosen, expected - expected / 4) << "seed " << seed << ", death " << death;
      expected = std::min(2 * expected, RestartDelay::kLongest);
      now = delay.next();
    }
  }
}

TEST(RestartDelay, DiffersBetweenThoseThatDieTogether) {
  std::set<MonotonicTime> chosen;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    RestartDelay delay(seed);
    for (int death = 0; death < 8; ++death) delay.OnDeath(kStart, kStart);
    chosen.insert(delay.next());
  }
  EXPECT_GT(chosen.size(), 90U);
}

TEST(RestartDelay, IsNoneAfterAStableLifeAndBeginsAnew) {
  RestartDelay delay(1);
  for (int death = 0; death < 10; ++death) delay.OnDeath(kStart, kStart);
  EXPECT_EQ(DelayAfter(delay, kStart, RestartDelay::kStableAfter), milliseconds(0));
  const auto next = DelayAfter(delay, kStart, RestartDelay::kStableAfter - milliseconds(1));
  EXPECT_GT(next, milliseconds(0));
  EXPECT_LE(next, RestartDelay::kFirst);
}

TEST(RestartDelay, IsNoneAfterAReset) {
  RestartDelay delay(1);
  for (int death = 0; death < 10; ++death) delay.OnDeath(kStart, kStart);
  delay.Reset();
  EXPECT_LE(delay.next(), kStart);
  EXPECT_LE(DelayAfter(delay, kStart, milliseconds(0)), RestartDelay::kFirst);
}

}  // namespace
}  // namespace forkcast::serving
