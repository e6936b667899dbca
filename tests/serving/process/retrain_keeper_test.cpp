#include "serving/process/retrain_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <chrono>
#include <ostream>
#include <string>
#include <system_error>

namespace forkcast::serving {
namespace {

using std::chrono::seconds;

constexpr MonotonicTime kBegin{seconds(1'000)};

class RetrainKeeperTest : public testing::Test {
 protected:
  /// A child that ends with this code; below 0: none before it is killed.
  void Ask(int code, MonotonicTime now = kBegin, const std::string& name = "demand") {
    keeper_.Ask({.models = "models", .name = name, .least_pause = seconds(100)}, now,
                [this, code](const RetrainWish&) {
                  ++started_;
                  return ChildProcess::Start([] {},
                                             [code](int) {
                                               if (code < 0) ::pause();
                                               ::_exit(code);
                                               return 0;
                                             },
                                             SIGKILL);
                });
  }
  void AwaitEnd(MonotonicTime now = kBegin) {
    pollfd ended{.fd = keeper_.pidfd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ended, 1, 30'000), 1);
    keeper_.Reap(now);
    EXPECT_FALSE(keeper_.running());
  }

  MetricValues metrics_;
  spdlog::logger log_{"test"};
  RetrainKeeper keeper_{metrics_, log_};
  int started_ = 0;
};

struct EndCase {
  const char* name;
  int code;
  std::uint64_t promoted;
  std::uint64_t kept;
  std::uint64_t failed;
};
std::ostream& operator<<(std::ostream& out, const EndCase& one) { return out << one.name; }

class RetrainingEnds : public RetrainKeeperTest, public testing::WithParamInterface<EndCase> {};

TEST_P(RetrainingEnds, AreCountedByWhatCameOfThem) {
  Ask(GetParam().code);
  AwaitEnd();
  EXPECT_EQ(metrics_.Get("retrain_promoted"), GetParam().promoted);
  EXPECT_EQ(metrics_.Get("retrain_kept"), GetParam().kept);
  EXPECT_EQ(metrics_.Get("retrain_failed"), GetParam().failed);
}

INSTANTIATE_TEST_SUITE_P(Cases, RetrainingEnds,
                         testing::Values(EndCase{"Promoted", 0, 1, 0, 0},
                                         EndCase{"NotBetter", 4, 0, 1, 0},
                                         EndCase{"WithoutData", 3, 0, 0, 1},
                                         EndCase{"NotFound", 127, 0, 0, 1}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(RetrainKeeperTest, TrainsOneModelAtATime) {
  Ask(-1);
  Ask(0, kBegin, "another");
  EXPECT_EQ(started_, 1);
  keeper_.End(kBegin);
  AwaitEnd();
  Ask(0, kBegin, "another");
  EXPECT_EQ(started_, 2);
  AwaitEnd();
}

TEST_F(RetrainKeeperTest, TrainsAModelNotMoreOftenThanItMay) {
  Ask(4);
  AwaitEnd();
  Ask(4, kBegin + seconds(99));
  EXPECT_EQ(started_, 1);
  Ask(4, kBegin + seconds(100));
  EXPECT_EQ(started_, 2);
  AwaitEnd();
}

TEST_F(RetrainKeeperTest, CountsAStartThatFails) {
  keeper_.Ask({.models = "models", .name = "demand"}, kBegin,
              [](const RetrainWish&) -> ChildProcess {
                throw std::system_error(EAGAIN, std::generic_category(), "fork");
              });
  EXPECT_FALSE(keeper_.running());
  EXPECT_EQ(metrics_.Get("retrain_failed"), 1U);
}

TEST_F(RetrainKeeperTest, AsksAChildToEndAndKillsItWhenItDoesNot) {
  Ask(-1);
  EXPECT_EQ(keeper_.kill_due(), MonotonicTime::max());
  ::kill(keeper_.pid(), SIGSTOP);  // so that it cannot follow
  keeper_.End(kBegin);
  EXPECT_EQ(keeper_.kill_due(), kBegin + RetrainKeeper::kPatience);
  keeper_.End(kBegin + RetrainKeeper::kPatience - seconds(1));
  EXPECT_TRUE(keeper_.running());
  keeper_.End(kBegin + RetrainKeeper::kPatience);
  AwaitEnd();
  EXPECT_EQ(metrics_.Get("retrain_failed"), 0U) << "it was asked to";
}

TEST(RetrainWish, IsReadBackAsItWasWritten) {
  const RetrainWish wish{
      .models = "/a/folder\nwith a break", .name = "demand", .least_pause = seconds(60)};
  EXPECT_EQ(ReadRetrainWish(TextOf(wish)), wish);
}

TEST(RetrainWish, ThatIsNoneIsNotRead) {
  for (const char* const text : {"", "60", "60\ndemand", "60\n\nmodels", "x\ndemand\nmodels",
                                 "-1\ndemand\nmodels", "60\ndemand\n"}) {
    EXPECT_FALSE(ReadRetrainWish(text)) << text;
  }
}

}  // namespace
}  // namespace forkcast::serving
