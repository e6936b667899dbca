#include "serving/worker/job_window.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace forkcast::serving {
namespace {

using Kind = JobRequest::Kind;

class JobWindows : public testing::Test {
 protected:
  std::unique_ptr<PendingJobRequest> Send(Kind kind = Kind::kList) {
    auto pending = window_.Send({.kind = kind, .id = "7"});
    EXPECT_TRUE(pending.ok()) << pending.error().message;
    return pending ? *std::move(pending) : nullptr;
  }

  boost::asio::io_context loop_{1};
  std::pair<Fd, Fd> sockets_ = MakeJobSockets();
  MetricValues metrics_;
  int answers_ = 0;
  JobWindow window_{loop_, sockets_.first.get(), metrics_, [this] { ++answers_; }};
};

TEST_F(JobWindows, TellOfTheAnswerWhenItIsThere) {
  const auto pending = Send();
  const auto asked = ReceiveJobRequest(sockets_.second.get());
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.id, "7");
  EXPECT_FALSE(pending->Take());
  EXPECT_TRUE(SendJobReply(asked->reply.get(), {.text = "{}"}));
  loop_.run_one();
  EXPECT_EQ(answers_, 1);
  const auto reply = pending->Take();
  ASSERT_TRUE(reply && reply->ok());
  EXPECT_EQ((*reply)->text, "{}");
}

TEST_F(JobWindows, GoOnTellingWhatBecomesOfAJob) {
  const auto pending = Send(Kind::kFollow);
  EXPECT_TRUE(window_.has_followers());
  EXPECT_EQ(metrics_.Get("job_streams"), 1U);
  const auto asked = ReceiveJobRequest(sockets_.second.get());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(SendJobReply(asked->reply.get(), {.text = "event"}));
    loop_.restart();
    loop_.run_one();
    EXPECT_EQ(answers_, i);
    EXPECT_TRUE(pending->Take());
    EXPECT_FALSE(pending->Take()) << "watches again from here on";
  }
}

TEST_F(JobWindows, TellWhenWhoeverTookItIsGone) {
  const auto pending = Send();
  ReceiveJobRequest(sockets_.second.get()).reset();
  loop_.run_one();
  const auto reply = pending->Take();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error().code, ErrorCode::kNotReady);
}

TEST_F(JobWindows, LetSoManyWaitAndFollowAndNoMore) {
  std::vector<std::unique_ptr<PendingJobRequest>> held;
  for (std::size_t i = 0; i < JobWindow::kMostFollowing; ++i) {
    held.push_back(Send(Kind::kFollow));
    ReceiveJobRequest(sockets_.second.get()).reset();
  }
  EXPECT_EQ(window_.Send({.kind = Kind::kFollow}).error().code, ErrorCode::kOverloaded);
  EXPECT_NE(Send(Kind::kShow), nullptr) << "who asks for the job itself is answered";
  held.clear();
  for (std::size_t i = 0; i < JobWindow::kMostWaiting; ++i) held.push_back(Send());
  EXPECT_EQ(window_.Send({}).error().code, ErrorCode::kNotReady);
  held.pop_back();
  EXPECT_NE(Send(), nullptr);
}

TEST_F(JobWindows, PassOverTheAnswerOfWhatWasGivenUp) {
  auto pending = Send();
  const auto asked = ReceiveJobRequest(sockets_.second.get());
  SendJobReply(asked->reply.get(), {});
  pending.reset();
  loop_.run();
  EXPECT_EQ(answers_, 0);
}

}  // namespace
}  // namespace forkcast::serving
