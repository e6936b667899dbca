#include "serving/webhook/webhook_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;
using Then = WebhookQueue::Then;

constexpr MonotonicTime kBegin{std::chrono::seconds(1'000)};

class WebhookQueueTest : public testing::Test {
 protected:
  std::string DueAt(MonotonicTime now) const {
    const WebhookMessage* const due = queue_.Due(now);
    return due == nullptr ? "" : due->id;
  }
  WebhookQueue queue_{3, {.first = milliseconds(1'000), .longest = milliseconds(1'500)}, 1};
};

TEST_F(WebhookQueueTest, HasNothingDueUntilSomethingIsAdded) {
  EXPECT_EQ(DueAt(kBegin), "");
  EXPECT_EQ(queue_.next(), MonotonicTime::max());
  ASSERT_TRUE(queue_.Add({.id = "a"}));
  EXPECT_EQ(DueAt(kBegin), "a");
}

TEST_F(WebhookQueueTest, GoesOnWithTheNextOnceOneIsDelivered) {
  ASSERT_TRUE(queue_.Add({.id = "a"}));
  ASSERT_TRUE(queue_.Add({.id = "b"}));
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kDelivered, kBegin), Then::kDone);
  EXPECT_EQ(DueAt(kBegin), "b");
}

TEST_F(WebhookQueueTest, TriesOneAgainAfterAPauseThatGrowsUpToALongest) {
  ASSERT_TRUE(queue_.Add({.id = "a"}));
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
  EXPECT_EQ(DueAt(kBegin + milliseconds(499)), "");
  EXPECT_EQ(DueAt(kBegin + milliseconds(1'000)), "a");
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
  EXPECT_EQ(DueAt(kBegin + milliseconds(749)), "");
  EXPECT_EQ(DueAt(kBegin + milliseconds(1'500)), "a");
}

TEST_F(WebhookQueueTest, GivesOneUpAfterItsAttemptsAndBeginsAnewWithTheNext) {
  ASSERT_TRUE(queue_.Add({.id = "a"}));
  ASSERT_TRUE(queue_.Add({.id = "b"}));
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kGivenUp);
  EXPECT_EQ(DueAt(kBegin), "b");
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
}

TEST_F(WebhookQueueTest, GivesUpAtOnceWhatIsRefused) {
  ASSERT_TRUE(queue_.Add({.id = "a"}));
  EXPECT_EQ(queue_.OnOutcome(WebhookOutcome::kRefused, kBegin), Then::kGivenUp);
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(WebhookQueueTest, TakesOnlyAsManyAsItHasRoomFor) {
  for (std::size_t i = 0; i < WebhookQueue::kMostMessages; ++i) {
    ASSERT_TRUE(queue_.Add({.id = std::to_string(i)}));
  }
  EXPECT_FALSE(queue_.Add({.id = "one more"}));
  EXPECT_EQ(DueAt(kBegin), "0");
}

TEST(WebhookQueue, OfManyServersDoNotTryAgainAllAtOnce) {
  std::set<MonotonicTime> times;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    WebhookQueue queue(3, {}, seed * 7'919);
    ASSERT_TRUE(queue.Add({.id = "a"}));
    ASSERT_EQ(queue.OnOutcome(WebhookOutcome::kFailed, kBegin), Then::kLater);
    times.insert(queue.next());
  }
  EXPECT_GE(times.size(), 10U);
}

}  // namespace
}  // namespace forkcast::serving
