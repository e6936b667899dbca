#include "serving/hooks/capture_hook.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <string>

#include "support/allocation_counter.hpp"
#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

constexpr int kIds = 100'000;

std::string Id(int i) { return "request-" + std::to_string(i); }

class SampledShare : public testing::TestWithParam<double> {};

TEST_P(SampledShare, LiesWithinBinomialBounds) {
  const double share = GetParam();
  int sampled = 0;
  for (int i = 0; i < kIds; ++i) sampled += IsSampled(Id(i), share) ? 1 : 0;
  // 4.5 standard deviations; exact for nothing and for everything.
  EXPECT_NEAR(sampled, kIds * share, 4.5 * std::sqrt(kIds * share * (1 - share)));
}

INSTANTIATE_TEST_SUITE_P(Shares, SampledShare, testing::Values(0.0, 0.001, 0.1, 0.5, 0.99, 1.0));

TEST(Sampling, TakesWithAGreaterShareWhatItTakesWithASmaller) {
  for (int i = 0; i < kIds; ++i) {
    if (IsSampled(Id(i), 0.1)) {
      ASSERT_TRUE(IsSampled(Id(i), 0.11)) << i;
    }
  }
}

class CaptureHookTest : public testing::Test {
 protected:
  CaptureHook Hook(CaptureHook::Settings settings) {
    return {std::move(settings),
            {.log = lines_.log(),
             .slot = slot_,
             .clock = clock_,
             .capture_socket = sockets_.first.get()}};
  }

  std::pair<Fd, Fd> sockets_ = MakeCaptureSockets();
  CaptureReceiver receiver_{sockets_.second.get()};
  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  SampleInvocation sample_;
};

TEST_F(CaptureHookTest, SendsARetryOfASampledRequestAgainAndOthersNever) {
  CaptureHook hook = Hook({.share = 0.5, .folder = "f", .endpoint = "e"});
  for (int i = 0; i < 50; ++i) {
    const std::string id = Id(i);
    sample_.invocation.request.id = id;
    const std::uint64_t before = slot_.metrics.Get("captured");
    hook.OnAnswer(sample_.view());
    hook.OnAnswer(sample_.view());
    ASSERT_EQ(slot_.metrics.Get("captured") - before, IsSampled(id, 0.5) ? 2U : 0U);
  }
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 0U);
}

TEST_F(CaptureHookTest, SendsWhatItSawToTheTargetOfItsSettings) {
  CaptureHook hook = Hook({.share = 1,
                           .folder = "/f",
                           .endpoint = "e",
                           .variant = "v",
                           .rules = "{}",
                           .failed_ones_too = true});
  sample_.invocation.answer.status = 400;
  hook.OnAnswer(sample_.view());
  ASSERT_EQ(receiver_.Receive(), CaptureReceiver::Outcome::kMessage);
  const Result<CaptureMessage> message = DecodeCapture(receiver_.message());
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(message->target, (CaptureTarget{"/f", "e", "v", "{}"}));
  EXPECT_EQ(message->request.id, "request-1");
  EXPECT_EQ(message->answer.status, 400);
  EXPECT_EQ(slot_.metrics.Get("captured"), 1U);
}

class CaptureOfStatus : public CaptureHookTest, public testing::WithParamInterface<int> {};

TEST_P(CaptureOfStatus, IsThereForSuccessesAloneUnlessAllAreAskedFor) {
  CaptureHook successes = Hook({.share = 1, .folder = "f", .endpoint = "e"});
  CaptureHook all = Hook({.share = 1, .folder = "f", .endpoint = "e", .failed_ones_too = true});
  sample_.invocation.answer.status = GetParam();
  successes.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("captured"), GetParam() / 100 == 2 ? 1U : 0U);
  all.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("captured"), GetParam() / 100 == 2 ? 2U : 1U);
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Statuses, CaptureOfStatus, testing::Values(200, 204, 304, 400, 422, 503));

TEST_F(CaptureHookTest, LeavesOfALargeInvocationWorkThatSendsIt) {
  CaptureHook hook = Hook({.share = 1, .folder = "f", .endpoint = "e"});
  EXPECT_EQ(hook.OnLargeAnswer(sample_.view()), nullptr) << "so little is sent at once";
  EXPECT_EQ(slot_.metrics.Get("captured"), 1U);
  const std::string body(1'000'000, 'b');
  sample_.invocation.request.body = body;
  auto work = hook.OnLargeAnswer(sample_.view());
  ASSERT_NE(work, nullptr);
  std::size_t slices = 1;
  while (work->Continue()) ++slices;
  work.reset();
  EXPECT_GT(slices, 5U);
  EXPECT_EQ(slot_.metrics.Get("captured"), 2U);
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 0U);
}

TEST_F(CaptureHookTest, CountsALargeInvocationAsDroppedWhoseClientLeaves) {
  CaptureHook hook = Hook({.share = 1, .folder = "f", .endpoint = "e"});
  const std::string body(1'000'000, 'b');
  sample_.invocation.request.body = body;
  auto work = hook.OnLargeAnswer(sample_.view());
  ASSERT_NE(work, nullptr);
  EXPECT_TRUE(work->Continue());
  work.reset();
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 1U);
  EXPECT_EQ(receiver_.Receive(), CaptureReceiver::Outcome::kNothing);
}

TEST_F(CaptureHookTest, SaysWhereThingsAreKeptAndHow) {
  const auto configs = Configs(
      R"([{"type":"slow_request","threshold_ms":1},
          {"type":"capture","share":1,"folder":"f","endpoint":"e","keep_files":2,"store":"s"}])");
  EXPECT_THAT(CaptureHook::Destinations(configs),
              testing::ElementsAre(
                  CaptureDestination{"f", "e", "AllTraffic", R"({"keep_files":2,"store":"s"})"}));
}

TEST_F(CaptureHookTest, DropsAndCountsWhatTheRecorderCannotTake) {
  CaptureHook hook = Hook({.share = 1, .folder = "f", .endpoint = "e"});
  constexpr std::uint64_t kMany = 10'000;
  for (std::uint64_t i = 0; i < kMany; ++i) hook.OnAnswer(sample_.view());
  EXPECT_GT(slot_.metrics.Get("captured"), 0U);
  EXPECT_GT(slot_.metrics.Get("capture_dropped"), 0U);
  EXPECT_EQ(slot_.metrics.Get("captured") + slot_.metrics.Get("capture_dropped"), kMany);
  std::uint64_t received = 0;
  while (receiver_.Receive() == CaptureReceiver::Outcome::kMessage) ++received;
  EXPECT_EQ(received, slot_.metrics.Get("captured"));
}

TEST_F(CaptureHookTest, DropsAndCountsWithoutARecorder) {
  CaptureHook hook({.share = 1, .folder = "f", .endpoint = "e"},
                   {.log = lines_.log(), .slot = slot_, .clock = clock_});
  hook.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 1U);
}

TEST_F(CaptureHookTest, DropsAndCountsBodiesOverItsLimit) {
  const std::size_t bodies =
      sample_.invocation.request.body.size() + sample_.invocation.answer.body.size();
  CaptureHook fits = Hook({.share = 1, .folder = "f", .endpoint = "e", .max_bytes = bodies});
  CaptureHook less = Hook({.share = 1, .folder = "f", .endpoint = "e", .max_bytes = bodies - 1});
  fits.OnAnswer(sample_.view());
  less.OnAnswer(sample_.view());
  EXPECT_EQ(slot_.metrics.Get("captured"), 1U);
  EXPECT_EQ(slot_.metrics.Get("capture_dropped"), 1U);
}

TEST_F(CaptureHookTest, AllocatesNothing) {
  CaptureHook hook = Hook({.share = 1, .folder = "f", .endpoint = "e"});
  const Invocation& invocation = sample_.view();
  const std::size_t before = AllocationCount();
  hook.OnAnswer(invocation);
  EXPECT_EQ(AllocationCount(), before);
  EXPECT_EQ(slot_.metrics.Get("captured"), 1U);
}

}  // namespace
}  // namespace forkcast::serving
