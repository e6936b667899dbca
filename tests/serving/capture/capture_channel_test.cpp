#include "serving/capture/capture_channel.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <string>

#include "support/allocation_counter.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using Outcome = CaptureReceiver::Outcome;

class CaptureChannel : public testing::Test {
 protected:
  bool Send(std::size_t body_bytes) {
    body_.assign(body_bytes, 'x');
    sample_.invocation.request.body = body_;
    return sender_.Send(kTarget, sample_.view());
  }
  // Takes one message as a recorder that dies over it: nothing is given back.
  void TakeAndDie() {
    char byte = 0;
    ASSERT_EQ(::recv(sockets_.second.get(), &byte, sizeof(byte), MSG_DONTWAIT), 1);
  }

  std::pair<Fd, Fd> sockets_ = MakeCaptureSockets();
  CaptureSender sender_{sockets_.first.get()};
  CaptureReceiver receiver_{sockets_.second.get()};
  SampleInvocation sample_;
  std::string body_;
};

TEST_F(CaptureChannel, HandsMessagesOfAnySizeOverInOrder) {
  const std::size_t around = CaptureSize(kTarget, sample_.view());
  const std::size_t largest_datagram =
      kMaxDatagramBytes - around + sample_.invocation.request.body.size();
  for (const std::size_t size :
       {std::size_t{0}, largest_datagram, largest_datagram + 1, std::size_t{6'291'456}}) {
    SCOPED_TRACE(size);
    ASSERT_TRUE(Send(size));
    ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
    const Result<CaptureMessage> message = DecodeCapture(receiver_.message());
    ASSERT_TRUE(message.ok()) << message.error().message;
    EXPECT_EQ(message->request.body, body_);
  }
  EXPECT_EQ(receiver_.Receive(), Outcome::kNothing);
}

TEST_F(CaptureChannel, RefusesAMessageOverTheLimit) {
  EXPECT_FALSE(Send(kMaxCaptureBytes));
  EXPECT_EQ(receiver_.Receive(), Outcome::kNothing);
}

TEST_F(CaptureChannel, RefusesWhenTheQueueIsFullAndTakesAgainOnceItIsRead) {
  std::size_t sent = 0;
  while (Send(1'000)) ASSERT_LT(++sent, 1'000'000U);
  EXPECT_GT(sent, 0U);
  for (std::size_t i = 0; i < sent; ++i) ASSERT_EQ(receiver_.Receive(), Outcome::kMessage) << i;
  EXPECT_EQ(receiver_.Receive(), Outcome::kNothing);
  EXPECT_TRUE(Send(1'000));
}

TEST_F(CaptureChannel, KeepsAtMostFourGreatMessagesUnread) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Send(100'000));
  EXPECT_FALSE(Send(100'000));
  EXPECT_TRUE(Send(1'000)) << "a small one still fits";
  ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_TRUE(Send(100'000));
  EXPECT_FALSE(Send(100'000));
}

TEST_F(CaptureChannel, GivesGreatMessagesUpThatADeadRecorderTookAlong) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Send(100'000));
  for (int i = 0; i < 4; ++i) TakeAndDie();
  ASSERT_TRUE(Send(100'000));
  ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_TRUE(DecodeCapture(receiver_.message()).ok());
}

TEST_F(CaptureChannel, RefusesWhenTheRecorderIsGone) {
  sockets_.second.Reset();
  EXPECT_FALSE(Send(1'000));
  EXPECT_FALSE(Send(100'000));
}

TEST_F(CaptureChannel, ReportsItsEndOnceEverythingIsRead) {
  ASSERT_TRUE(Send(1'000));
  sockets_.first.Reset();
  EXPECT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_EQ(receiver_.Receive(), Outcome::kClosed);
}

TEST_F(CaptureChannel, ReportsADatagramThatIsTooLongAsDamaged) {
  const std::vector<std::byte> datagram(kMaxDatagramBytes + 1);
  ASSERT_GT(::send(sockets_.first.get(), datagram.data(), datagram.size(), MSG_DONTWAIT), 0);
  EXPECT_EQ(receiver_.Receive(), Outcome::kDamaged);
  EXPECT_EQ(receiver_.Receive(), Outcome::kNothing);
}

TEST_F(CaptureChannel, SendsAndReceivesADatagramWithoutAllocation) {
  const Invocation& invocation = sample_.view();
  const std::size_t before = AllocationCount();
  const bool sent = sender_.Send(kTarget, invocation);
  const Outcome outcome = receiver_.Receive();
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_TRUE(sent);
  EXPECT_EQ(outcome, Outcome::kMessage);
}

}  // namespace
}  // namespace forkcast::serving
