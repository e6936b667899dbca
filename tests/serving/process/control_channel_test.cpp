#include "serving/process/control_channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {
namespace {

using Kind = ControlMessage::Kind;

class ControlChannel : public testing::Test {
 protected:
  ControlChannel() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
  }
  void Send(Kind kind, std::uint64_t value = 0) const {
    SendControl(ours_.get(), {.kind = kind, .value = value});
  }
  [[nodiscard]] ControlReceipt Receive() const { return ReceiveControl(theirs_.get()); }

  Fd ours_;
  Fd theirs_;
};

TEST_F(ControlChannel, DeliversMessagesWholeAndInOrder) {
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 63U;
  for (const Kind kind : {Kind::kReady, Kind::kRecycle, Kind::kNeedRecorder, Kind::kRetire,
                          Kind::kStop, Kind::kReopenLogs}) {
    Send(kind, kLarge + static_cast<std::uint64_t>(kind));
  }
  for (const Kind kind : {Kind::kReady, Kind::kRecycle, Kind::kNeedRecorder, Kind::kRetire,
                          Kind::kStop, Kind::kReopenLogs}) {
    const ControlReceipt receipt = Receive();
    EXPECT_FALSE(receipt.ended);
    ASSERT_TRUE(receipt.message.has_value());
    EXPECT_EQ(receipt.message->kind, kind);
    EXPECT_EQ(receipt.message->value, kLarge + static_cast<std::uint64_t>(kind));
  }
}

TEST_F(ControlChannel, DoesNotWaitForAMessage) {
  const ControlReceipt receipt = Receive();
  EXPECT_FALSE(receipt.ended);
  EXPECT_FALSE(receipt.message.has_value());
}

TEST_F(ControlChannel, DeliversWhatWasSentBeforeItsEnd) {
  Send(Kind::kReady, 4);
  ours_.Reset();
  EXPECT_TRUE(Receive().message.has_value());
  EXPECT_TRUE(Receive().ended);
  EXPECT_TRUE(Receive().ended);
}

TEST_F(ControlChannel, LosesMessagesInsteadOfWaitingForAPeerThatDoesNotRead) {
  constexpr std::uint64_t kMany = 100'000;
  for (std::uint64_t i = 0; i < kMany; ++i) Send(Kind::kStop, i);
  std::uint64_t received = 0;
  for (auto receipt = Receive(); receipt.message; receipt = Receive()) {
    EXPECT_EQ(receipt.message->value, received);
    ++received;
  }
  EXPECT_GT(received, 0U);
  EXPECT_LT(received, kMany);
}

TEST_F(ControlChannel, SendingToNobodyIsNoError) {
  theirs_.Reset();
  Send(Kind::kStop);  // SIGPIPE would end the test
}

TEST_F(ControlChannel, EndsAtAPeerThatSpeaksAnotherLanguage) {
  ASSERT_EQ(::send(ours_.get(), "short", 5, 0), 5);
  EXPECT_TRUE(Receive().ended);
}

}  // namespace
}  // namespace forkcast::serving
