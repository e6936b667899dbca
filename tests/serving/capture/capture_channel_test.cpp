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

using Progress = CaptureSender::Transfer::Progress;

TEST_F(CaptureChannel, SendsALargeMessageInSlicesThatAreTheWholeInTheEnd) {
  const std::string body(6'291'456, 'b');
  sample_.invocation.request.body = body;
  sample_.names = {"text", "number"};
  sample_.rows.resize(50'000);
  sample_.values.clear();
  for (std::size_t row = 0; row < sample_.rows.size(); ++row) {
    sample_.rows[row] = row;
    sample_.values.emplace_back(std::string_view(body).substr(0, row % 100));
    sample_.values.emplace_back(static_cast<std::int64_t>(row));
  }
  const std::vector<std::byte> expected = Encoded(kTarget, sample_.view());
  CaptureSender::Transfer transfer(sender_, kTarget, sample_.view());
  std::size_t slices = 0;
  Progress progress = Progress::kMore;
  while ((progress = transfer.Continue()) == Progress::kMore) ++slices;
  EXPECT_EQ(progress, Progress::kSent);
  EXPECT_GE(slices, expected.size() / 140'000) << "a slice is 128 KiB and the rest of a value";
  ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_TRUE(std::ranges::equal(receiver_.message(), expected));
}

TEST_F(CaptureChannel, KeepsMessagesApartThatAreOnTheirWayAtOnce) {
  const std::string first(1'000'000, '1');
  const std::string second(1'000'000, '2');
  sample_.invocation.request.body = first;
  const auto expected_first = Encoded(kTarget, sample_.view());
  CaptureSender::Transfer one(sender_, kTarget, sample_.view());
  sample_.invocation.request.body = second;
  const auto expected_second = Encoded(kTarget, sample_.view());
  CaptureSender::Transfer other(sender_, kTarget, sample_.view());
  Progress progress = Progress::kMore;
  while (progress == Progress::kMore) {
    progress = one.Continue();
    EXPECT_EQ(other.Continue(), progress);
  }
  EXPECT_EQ(progress, Progress::kSent);
  ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_TRUE(std::ranges::equal(receiver_.message(), expected_first));
  ASSERT_EQ(receiver_.Receive(), Outcome::kMessage);
  EXPECT_TRUE(std::ranges::equal(receiver_.message(), expected_second));
}

TEST_F(CaptureChannel, LosesWhatIsLargerThanMayBeWithoutSendingIt) {
  const std::string body(kMaxCaptureBytes, 'b');
  sample_.invocation.request.body = body;
  CaptureSender::Transfer transfer(sender_, kTarget, sample_.view());
  Progress progress = Progress::kMore;
  while (progress == Progress::kMore) progress = transfer.Continue();
  EXPECT_EQ(progress, Progress::kLost);
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
