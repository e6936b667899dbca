#include "serving/worker/push_window.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace forkcast::serving {
namespace {

using preprocessing::ReceivedPush;
using preprocessing::ReceivePush;

class PushWindows : public testing::Test {
 protected:
  std::unique_ptr<PendingPush> Send() {
    auto pending = window_.Send({.table = "sales"}, preprocessing::MakeBody("x").value());
    EXPECT_TRUE(pending.ok()) << pending.error().message;
    return pending ? *std::move(pending) : nullptr;
  }

  boost::asio::io_context loop_{1};
  std::pair<Fd, Fd> sockets_ = preprocessing::MakePushSockets();
  MetricValues metrics_;
  int answers_ = 0;
  PushWindow window_{loop_, sockets_.first.get(), metrics_, [this] { ++answers_; }};
};

TEST_F(PushWindows, TellOfTheAnswerWhenItIsThere) {
  const std::unique_ptr<PendingPush> pending = Send();
  const std::optional<ReceivedPush> asked = ReceivePush(sockets_.second.get());
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.table, "sales");
  EXPECT_EQ(preprocessing::ReadBody(asked->body.get()).value(), "x");
  EXPECT_FALSE(pending->reply());
  asked->Answer({.json = R"({"rows":1})", .rows = 1});
  loop_.run_one();
  EXPECT_EQ(answers_, 1);
  ASSERT_TRUE(pending->reply() && pending->reply()->ok());
  EXPECT_EQ((*pending->reply())->json, R"({"rows":1})");
}

TEST_F(PushWindows, TellWhenWhoeverTookItIsGone) {
  const std::unique_ptr<PendingPush> pending = Send();
  ReceivePush(sockets_.second.get()).reset();
  loop_.run_one();
  ASSERT_TRUE(pending->reply());
  EXPECT_EQ(pending->reply()->error().code, ErrorCode::kNotReady);
}

TEST_F(PushWindows, LetSoManyWaitAndNoMore) {
  std::vector<std::unique_ptr<PendingPush>> waiting;
  for (std::size_t i = 0; i < PushWindow::kMostWaiting; ++i) waiting.push_back(Send());
  EXPECT_EQ(metrics_.Get("pushes_waiting"), PushWindow::kMostWaiting);
  const auto refused = window_.Send({}, preprocessing::MakeBody("x").value());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotReady);
  waiting.pop_back();
  EXPECT_NE(Send(), nullptr);
}

TEST_F(PushWindows, PassOverTheAnswerOfWhatWasGivenUp) {
  std::unique_ptr<PendingPush> pending = Send();
  const std::optional<ReceivedPush> asked = ReceivePush(sockets_.second.get());
  ASSERT_TRUE(asked && asked->is_waited_for());
  asked->Answer({});
  pending.reset();
  EXPECT_FALSE(asked->is_waited_for());
  loop_.run();
  EXPECT_EQ(answers_, 0);
}

}  // namespace
}  // namespace forkcast::serving
