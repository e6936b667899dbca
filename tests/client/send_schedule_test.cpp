#include "client/send_schedule.hpp"

#include <gtest/gtest.h>

namespace forkcast::client {
namespace {

using std::chrono::microseconds;

constexpr MonotonicTime kStart{std::chrono::hours(5)};

TEST(SendSchedule, SpacesRequestsEvenlyFromTheStart) {
  const SendSchedule schedule(kStart, 250);
  EXPECT_EQ(schedule.Due(0), kStart);
  EXPECT_EQ(schedule.Due(1), kStart + microseconds(4000));
  EXPECT_EQ(schedule.Due(250), kStart + std::chrono::seconds(1));
}

TEST(SendSchedule, TakesRatesBelowOneASecond) {
  EXPECT_EQ(SendSchedule(kStart, 0.25).Due(3), kStart + std::chrono::seconds(12));
}

TEST(SendSchedule, DoesNotDriftOverMillionsOfRequests) {
  // A third of a millisecond is no whole number of nanoseconds: summed up, it would be off by 1 ms.
  const auto late =
      SendSchedule(kStart, 3000).Due(9'000'000) - (kStart + std::chrono::seconds(3000));
  EXPECT_LT(std::chrono::abs(late), microseconds(1));
}

}  // namespace
}  // namespace forkcast::client
