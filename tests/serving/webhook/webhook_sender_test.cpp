#include "serving/webhook/webhook_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "serving/webhook/webhook_receiver.hpp"
#include "support/eventually.hpp"
#include "support/hook_testing.hpp"
#include "support/http_message.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using Answers = WebhookReceiver::Answers;
using preprocessing::TempFolder;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

class WebhookSenderTest : public testing::Test {
 protected:
  WebhookSenderTest() { folder_.Write("secret", kSecret); }

  WebhookSender& SendTo(const std::string& url, WebhookMessage message = Message("1")) {
    settings_.url = url;
    settings_.secret_file = folder_.path() / "secret";
    sender_ = std::make_unique<WebhookSender>(
        settings_,
        WebhookSender::Context{.log = lines_.log(),
                               .clock = clock_,
                               .series = series_.writer,
                               .pauses = {.first = milliseconds(10), .longest = milliseconds(20)}});
    sender_->Send(std::move(message));
    return *sender_;
  }
  static WebhookMessage Message(std::string id) {
    return {.event = "drift_alarm", .id = std::move(id), .body = R"({"columns":["price"]})"};
  }
  std::uint64_t Counted(std::string_view result) const {
    for (const SeriesSum& sum : SumSeries(series_.blocks())) {
      if (sum.labels.ends_with("result=\"" + std::string(result) + "\"")) return sum.cells.front();
    }
    return 0;
  }
  bool WillCount(std::string_view result, std::uint64_t count) const {
    return Eventually([&] { return Counted(result) == count; });
  }
  /// Of a sender that has ended.
  std::vector<std::string> Log() {
    sender_.reset();
    return lines_.lines();
  }

  TempFolder folder_;
  LogLines lines_;
  SystemClock clock_;
  TestSeries series_;
  WebhookSettings settings_{.timeout = milliseconds(200), .attempts = 3};
  std::unique_ptr<WebhookSender> sender_;
};

TEST_F(WebhookSenderTest, SignsWhatItTellsAndSaysWhichMessageItIs) {
  const WebhookReceiver receiver({Answers::kOk});
  SendTo(receiver.url());
  ASSERT_TRUE(WillCount("delivered", 1));
  ASSERT_THAT(receiver.requests(), SizeIs(1));
  const std::string request = receiver.requests().front();
  const HttpMessage message = FirstMessage(request);
  EXPECT_THAT(request, testing::StartsWith("POST /alarms?key=hidden HTTP/1.1\r\n"));
  EXPECT_EQ(message.body, R"({"columns":["price"]})");
  EXPECT_EQ(HeaderOf(message.head, "X-Forkcast-Event"), "drift_alarm");
  EXPECT_EQ(HeaderOf(message.head, "X-Forkcast-Id"), "1");
  EXPECT_EQ(HeaderOf(message.head, "X-Forkcast-Signature"), SignatureOf(message.body, kSecret));
  EXPECT_EQ(HeaderOf(message.head, "Content-Type"), "application/json");
  const std::vector<std::string> log = Log();
  ASSERT_THAT(log, SizeIs(1));
  EXPECT_THAT(log.front(), HasSubstr("info webhook_delivered receiver=\"127.0.0.1:"));
  EXPECT_THAT(log.front(), Not(HasSubstr("hidden")));
}

TEST_F(WebhookSenderTest, TellsOneAfterTheOther) {
  const WebhookReceiver receiver({Answers::kOk});
  WebhookSender& sender = SendTo(receiver.url());
  sender.Send(Message("2"));
  sender.Send(Message("3"));
  EXPECT_TRUE(WillCount("delivered", 3));
}

TEST_F(WebhookSenderTest, TellsTheSameAgainToAReceiverThatFails) {
  const WebhookReceiver receiver({Answers::kServerError, Answers::kServerError, Answers::kOk});
  SendTo(receiver.url());
  ASSERT_TRUE(WillCount("delivered", 1));
  ASSERT_THAT(receiver.requests(), SizeIs(3));
  EXPECT_EQ(receiver.requests()[2], receiver.requests()[0]);
  EXPECT_EQ(Counted("tried_again"), 2U);
  EXPECT_EQ(Counted("lost"), 0U);
  EXPECT_THAT(Log().front(), HasSubstr(R"(reason="the receiver answered 500")"));
}

struct BadReceiver {
  const char* name;
  Answers answers;
  std::size_t attempts;
  const char* reason;
};
std::ostream& operator<<(std::ostream& out, const BadReceiver& one) { return out << one.name; }

class BadWebhookReceivers : public WebhookSenderTest,
                            public testing::WithParamInterface<BadReceiver> {};

TEST_P(BadWebhookReceivers, CostTheMessageWhichIsCountedAndLogged) {
  const WebhookReceiver receiver({GetParam().answers});
  SendTo(receiver.url());
  ASSERT_TRUE(WillCount("lost", 1));
  EXPECT_THAT(receiver.requests(), SizeIs(GetParam().attempts));
  const std::vector<std::string> log = Log();
  EXPECT_THAT(log.back(), HasSubstr("warning webhook_lost"));
  EXPECT_THAT(log.back(), HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadWebhookReceivers,
    testing::Values(BadReceiver{"Hanging", Answers::kNothing, 3, "timed out"},
                    BadReceiver{"DrippingAHead", Answers::kDripsHead, 3, "timed out"},
                    BadReceiver{"Failing", Answers::kServerError, 3, "answered 500"},
                    BadReceiver{"Refusing", Answers::kNotFound, 1, "answered 404"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(WebhookSenderTest, DoesNotWaitForABodyThatDrips) {
  const WebhookReceiver receiver({Answers::kDripsBody});
  SendTo(receiver.url());
  EXPECT_TRUE(WillCount("delivered", 1));
}

TEST_F(WebhookSenderTest, GivesUpWhereNobodyListens) {
  std::string url;
  {
    const WebhookReceiver gone({Answers::kOk});
    url = gone.url();
  }
  SendTo(url);
  ASSERT_TRUE(WillCount("lost", 1));
  EXPECT_EQ(Counted("tried_again"), 2U);
}

TEST_F(WebhookSenderTest, TellsNothingWithoutASecret) {
  const WebhookReceiver receiver({Answers::kOk});
  std::filesystem::remove(folder_.path() / "secret");
  SendTo(receiver.url());
  ASSERT_TRUE(WillCount("lost", 1));
  EXPECT_THAT(receiver.requests(), IsEmpty());
}

TEST_F(WebhookSenderTest, LosesWhatThereIsNoRoomForAndTakesItWithoutWaiting) {
  settings_.timeout = milliseconds(60'000);
  const WebhookReceiver receiver({Answers::kNothing});
  WebhookSender& sender = SendTo(receiver.url());
  for (std::size_t i = 0; i < WebhookQueue::kMostMessages + 9; ++i) sender.Send(Message("more"));
  EXPECT_EQ(Counted("lost"), 10U);
}

TEST_F(WebhookSenderTest, EndsAtOnceInTheMiddleOfAnAttemptAndCountsWhatIsLeft) {
  settings_.timeout = milliseconds(60'000);
  const WebhookReceiver receiver({Answers::kNothing});
  WebhookSender& sender = SendTo(receiver.url());
  sender.Send(Message("2"));
  ASSERT_TRUE(Eventually([&] { return !receiver.requests().empty(); }));
  const auto begun = std::chrono::steady_clock::now();
  const std::vector<std::string> log = Log();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
  EXPECT_EQ(Counted("lost"), 2U);
  EXPECT_THAT(log, ElementsAre(HasSubstr(R"(messages=2 reason="the recorder ends")")));
}

}  // namespace
}  // namespace forkcast::serving
