#include "data_preprocessing/push/push_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "shop_store.hpp"
#include "support/test_clock.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Tells what it is told to, and how often it was asked.
class OtherFeed final : public Feed {
 public:
  Result<FeedTurn> Take(TableDao& /*dao*/, MonotonicTime /*now*/) override {
    ++asked;
    return turn;
  }

  Result<FeedTurn> turn = FeedTurn{.pause = std::chrono::seconds(10)};
  int asked = 0;
};

class PushFeeds : public ShopStore {
 protected:
  /// Sends rows of prices; what is given back waits for the reply.
  Fd Send(const std::string& csv) {
    auto [ours, theirs] = MakePushSockets();
    const Fd body = MakeBody(csv).value();
    EXPECT_TRUE(SendPush(sockets_.first.get(), {.table = "prices", .content_type = "text/csv"},
                         body.get(), theirs.get()));
    return std::move(ours);
  }
  FeedTurn Take() {
    auto turn = feed_.Take(*dao_, now_);
    EXPECT_TRUE(turn.ok()) << turn.error().message;
    return turn ? *turn : FeedTurn{};
  }

  TestClock clock_;
  MonotonicTime now_{std::chrono::hours(1)};
  std::pair<Fd, Fd> sockets_ = MakePushSockets();
  OtherFeed* other_ = new OtherFeed;  // owned by the feed
  PushFeed feed_{std::move(sockets_.second), PushDesk({.spec = spec_}),
                 std::unique_ptr<Feed>(other_), clock_};
};

TEST_F(PushFeeds, AnswerWhoeverSendsRowsOnceTheyAreCommitted) {
  const Fd waiting = Send("sku,cents\na,1\n");
  const FeedTurn turn = Take();
  EXPECT_TRUE(turn.changed);
  EXPECT_EQ(turn.rows, 1U);
  const auto reply = ReceivePushReply(waiting.get());
  ASSERT_TRUE(reply && reply->ok());
  EXPECT_EQ(json::parse((*reply)->json).at("added"), 1);
  Open();
  EXPECT_THAT(Prices(), ElementsAre("a 1"));
}

TEST_F(PushFeeds, AnswerARefusalAndGoOn) {
  const Fd bad = Send("sku,cents\na,x\n");
  const Fd good = Send("sku,cents\nb,2\n");
  const FeedTurn turn = Take();
  EXPECT_EQ(turn.rejected, 1U);
  const auto refused = ReceivePushReply(bad.get());
  ASSERT_TRUE(refused && refused->ok() && (*refused)->error);
  EXPECT_EQ((*refused)->error->code, ErrorCode::kRejected);
  EXPECT_THAT(Prices(), ElementsAre("b 2"));
}

TEST_F(PushFeeds, DoNothingForWhoeverGaveUp) {
  Send("sku,cents\na,1\n").Reset();
  EXPECT_FALSE(Take().changed);
  EXPECT_THAT(Prices(), IsEmpty());
}

TEST_F(PushFeeds, AskTheOtherFeedWhenItIsDueAlone) {
  EXPECT_EQ(Take().pause, std::chrono::seconds(10));
  now_ += std::chrono::seconds(4);
  const Fd waiting = Send("sku,cents\na,1\n");
  EXPECT_EQ(Take().pause, std::chrono::seconds(6));
  EXPECT_EQ(other_->asked, 1);
  now_ += std::chrono::seconds(6);
  Take();
  EXPECT_EQ(other_->asked, 2);
}

TEST_F(PushFeeds, TellOnceWhatTheOtherFeedBrought) {
  other_->turn = FeedTurn{.rows = 5, .changed = true, .pause = std::chrono::seconds(10)};
  EXPECT_EQ(Take().rows, 5U);
  const FeedTurn next = Take();
  EXPECT_EQ(next.rows, 0U);
  EXPECT_FALSE(next.changed);
}

TEST_F(PushFeeds, TellAStoreThatFailsToWhoeverWaitsAndToTheFollower) {
  ASSERT_TRUE(dao_->Begin().ok());  // so that another transaction cannot begin
  const Fd waiting = Send("sku,cents\na,1\n");
  EXPECT_FALSE(feed_.Take(*dao_, now_).ok());
  const auto reply = ReceivePushReply(waiting.get());
  ASSERT_TRUE(reply && reply->ok() && (*reply)->error);
  EXPECT_EQ((*reply)->error->code, ErrorCode::kNotReady);
  EXPECT_THAT((*reply)->error->message, HasSubstr("may have been stored"));
}

TEST_F(PushFeeds, RefuseAllWhoWaitWhenThereIsNoStore) {
  const Fd first = Send("sku,cents\na,1\n");
  const Fd second = Send("sku,cents\nb,1\n");
  feed_.RefuseAll();
  for (const Fd* const waiting : {&first, &second}) {
    const auto reply = ReceivePushReply(waiting->get());
    ASSERT_TRUE(reply && reply->ok());
    EXPECT_EQ((*reply)->error->code, ErrorCode::kNotReady);
  }
}

TEST(PushMessages, ThatNobodyTakesFillTheQueueAtLast) {
  const auto [workers, refresher] = MakePushSockets();
  const Fd body = MakeBody("x").value();
  int sent = 0;
  while (sent < 100'000 && SendPush(workers.get(), {}, body.get(), body.get())) ++sent;
  EXPECT_GT(sent, 16);
  EXPECT_LT(sent, 100'000);
}

TEST(PushMessages, OfAnEndThatIsGoneAreNotReady) {
  auto [ours, theirs] = MakePushSockets();
  EXPECT_FALSE(ReceivePushReply(ours.get()).has_value());
  theirs.Reset();
  const auto reply = ReceivePushReply(ours.get());
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->error().code, ErrorCode::kNotReady);
}

}  // namespace
}  // namespace forkcast::preprocessing
