#include "serving/net/queue_delay.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

MonotonicTime At(int ms) { return MonotonicTime(milliseconds(ms)); }
double Ms(QueueDelay::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

TEST(QueueDelay, IsNoneForWhoFindsTheLoopIdle) {
  QueueDelay delay;
  EXPECT_EQ(Ms(delay.Waited(At(5))), 0);
  delay.OnPoll(At(1000), true);
  EXPECT_EQ(Ms(delay.Waited(At(1000))), 0);
  delay.OnPoll(At(1001), true);
  delay.OnIdle();
  EXPECT_EQ(Ms(delay.Waited(At(900'000))), 0);
  delay.OnPoll(At(900'000), true);
  EXPECT_EQ(Ms(delay.Waited(At(900'002))), 2);
}

TEST(QueueDelay, CountsFromTheTimeAtWhichTheRequestWasNotThereYet) {
  QueueDelay delay;
  delay.OnPoll(At(100), true);  // woken: what it finds has just come
  EXPECT_EQ(Ms(delay.Waited(At(150))), 50);
  delay.OnPoll(At(200), true);  // what this finds may have come right after 100
  EXPECT_EQ(Ms(delay.Waited(At(200))), 100);
  EXPECT_EQ(Ms(delay.Waited(At(230))), 130);
  delay.OnPoll(At(240), true);
  EXPECT_EQ(Ms(delay.Waited(At(240))), 40);
}

TEST(QueueDelay, CountsOnForThoseThatWereNotNamedAtOnce) {
  QueueDelay delay;
  delay.OnPoll(At(100), false);
  delay.OnPoll(At(200), false);
  delay.OnPoll(At(300), true);
  EXPECT_EQ(Ms(delay.Waited(At(310))), 210);
  delay.OnPoll(At(320), true);
  EXPECT_EQ(Ms(delay.Waited(At(320))), 20);
}

TEST(QueueDelay, OfLargeOnesIsTheTimeOfThoseBefore) {
  QueueDelay delay;
  delay.OnLargeJoined(1000);
  EXPECT_EQ(Ms(delay.LargeWait()), 0) << "none has been seen yet";
  delay.OnLargeAnswered(1000, milliseconds(10));
  delay.OnLargeLeft(1000);
  EXPECT_EQ(Ms(delay.LargeWait()), 0);
  delay.OnLargeJoined(500);
  delay.OnLargeJoined(2000);
  EXPECT_DOUBLE_EQ(Ms(delay.LargeWait()), 25);
  delay.OnLargeLeft(2000);  // given up
  EXPECT_DOUBLE_EQ(Ms(delay.LargeWait()), 5);
}

TEST(QueueDelay, LearnsHowLongLargeOnesTake) {
  QueueDelay delay;
  delay.OnLargeJoined(1000);
  delay.OnLargeAnswered(1000, milliseconds(10));
  for (int i = 0; i < 40; ++i) {
    const double before = Ms(delay.LargeWait());
    delay.OnLargeAnswered(4000, milliseconds(4));
    EXPECT_LT(Ms(delay.LargeWait()), before);
  }
  EXPECT_NEAR(Ms(delay.LargeWait()), 1, 0.001);
}

TEST(QueueDelay, SendsAwayWhoeverWouldWaitTooLongForWholeSeconds) {
  QueueDelay delay;
  delay.OnPoll(At(100), true);
  EXPECT_EQ(delay.RetryAfter(At(600), /*large=*/false, milliseconds(500)).count(), 0);
  EXPECT_EQ(delay.RetryAfter(At(601), /*large=*/false, milliseconds(500)).count(), 1);
  EXPECT_EQ(delay.RetryAfter(At(1101), /*large=*/false, milliseconds(500)).count(), 2);

  delay.OnLargeJoined(100);
  delay.OnLargeAnswered(100, milliseconds(3000));
  EXPECT_EQ(delay.RetryAfter(At(600), /*large=*/false, milliseconds(500)).count(), 0);
  EXPECT_EQ(delay.RetryAfter(At(600), /*large=*/true, milliseconds(500)).count(), 4);
}

}  // namespace
}  // namespace forkcast::serving
