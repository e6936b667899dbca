#include "serving/net/large_queue.hpp"

#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;
using Place = LargeQueue<int>::Place;

constexpr MonotonicTime kStart = MonotonicTime() + 1000h;

class LargeQueueTest : public testing::Test {
 protected:
  QueueDelay delay_;
  LargeQueue<int> queue_{delay_};
  int first_ = 1;
  int second_ = 2;
  int third_ = 3;
};

TEST_F(LargeQueueTest, LetsOneGoOnAfterTheOther) {
  EXPECT_EQ(queue_.Join(first_, 100), Place::kFirst);
  EXPECT_EQ(queue_.Join(second_, 100), Place::kBehind);
  EXPECT_EQ(queue_.Join(third_, 100), Place::kBehind);
  EXPECT_EQ(queue_.Leave(first_, kStart), &second_);
  EXPECT_EQ(queue_.Leave(second_, kStart), &third_);
  EXPECT_EQ(queue_.Leave(third_, kStart), nullptr);
  EXPECT_EQ(queue_.Join(first_, 100), Place::kFirst);
}

TEST_F(LargeQueueTest, LetsNobodyGoOnWhenOneLeavesThatWaited) {
  queue_.Join(first_, 100);
  queue_.Join(second_, 100);
  queue_.Join(third_, 100);
  EXPECT_EQ(queue_.Leave(second_, std::nullopt), nullptr);
  EXPECT_EQ(queue_.Leave(first_, kStart), &third_);
}

TEST_F(LargeQueueTest, ForgetsOneThatIsNotInIt) {
  queue_.Join(first_, 100);
  EXPECT_EQ(queue_.Leave(second_, kStart), nullptr);
  EXPECT_EQ(queue_.Join(third_, 100), Place::kBehind);
}

TEST_F(LargeQueueTest, TellsHowLongThoseThatWereAnsweredTook) {
  queue_.Join(first_, 100);
  queue_.Begin(first_, kStart);
  queue_.Leave(first_, kStart + 200ms);  // 2 ms a byte
  EXPECT_EQ(delay_.LargeWait(), 0ms);
  queue_.Join(second_, 50);
  EXPECT_EQ(delay_.LargeWait(), 100ms);
  queue_.Begin(second_, kStart + 200ms);
  queue_.Leave(second_, std::nullopt);  // given up: it says nothing
  queue_.Join(third_, 10);
  EXPECT_EQ(delay_.LargeWait(), 20ms);
}

}  // namespace
}  // namespace forkcast::serving
