#include "serving/process/refresher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/metrics/metric_values.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

struct ReportCase {
  std::string name;
  std::string json;
  RefresherReport report;
};

void PrintTo(const ReportCase& one, std::ostream* out) { *out << one.name; }

class AReport : public testing::TestWithParam<ReportCase> {};

TEST_P(AReport, IsWhatItsMembersSay) {
  const auto report = ParseRefresherReport(GetParam().json);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(*report, GetParam().report);
}

INSTANTIATE_TEST_SUITE_P(
    Of, AReport,
    testing::Values(
        ReportCase{"Nothing", "{}", {}},
        ReportCase{"Everything",
                   R"({"state":"failing","rows":7,"rejected":2,"published":3,)"
                   R"("last_success":"2024-02-29T12:00:00.5Z","error":"no disk","lag":9,"new":1})",
                   {.state = "failing",
                    .rows = 7,
                    .rejected = 2,
                    .published = 3,
                    .last_success = FromMicros(1'709'208'000'500'000),
                    .error = "no disk",
                    .lag = 9}}),
    [](const auto& param) { return param.param.name; });

struct WrongReport {
  std::string name;
  std::string json;
};

void PrintTo(const WrongReport& one, std::ostream* out) { *out << one.name; }

class AWrongReport : public testing::TestWithParam<WrongReport> {};

TEST_P(AWrongReport, IsAnError) { EXPECT_FALSE(ParseRefresherReport(GetParam().json).ok()); }

INSTANTIATE_TEST_SUITE_P(Of, AWrongReport,
                         testing::Values(WrongReport{"NoJson", "rows 7"},
                                         WrongReport{"AList", "[]"},
                                         WrongReport{"ANegativeLag", R"({"lag":-1})"},
                                         WrongReport{"ATextForANumber", R"({"rows":"7"})"},
                                         WrongReport{"NoTime", R"({"last_success":"soon"})"}),
                         [](const auto& param) { return param.param.name; });

/// A refresher whose children send what the test says and then wait for SIGTERM.
class ARefresher : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& messages) {
    refresher_.StartIfDue(now_, [&] {
      return ChildProcess::Start(
          [] {},
          [&](int channel) {
            for (const std::string& message : messages) {
              static_cast<void>(::send(channel, message.data(), message.size(), 0));
            }
            while (true) ::pause();
            return 0;
          },
          SIGKILL);
    });
    ASSERT_TRUE(refresher_.keeper().running());
  }

  /// Takes messages until `metric` has the value.
  void TakeUntil(MetricId metric, std::uint64_t value) {
    for (int turns = 0; metrics_.Get(metric) != value && turns < 100; ++turns) {
      pollfd channel{.fd = refresher_.keeper().control(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&channel, 1, kDeadlineMs), 1);
      refresher_.Take(now_, Asked::kNo);
    }
    ASSERT_EQ(metrics_.Get(metric), value);
  }

  void AwaitEnd(Asked asked) {
    pollfd end{.fd = refresher_.keeper().pidfd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&end, 1, kDeadlineMs), 1);
    refresher_.Take(now_, asked);
    ASSERT_FALSE(refresher_.keeper().running());
  }

  static constexpr int kDeadlineMs = 30'000;
  MonotonicTime now_{std::chrono::hours(1)};
  MetricValues metrics_;
  spdlog::logger log_{"test"};
  Refresher refresher_{/*wanted=*/true, /*seed=*/1, metrics_, log_};
};

TEST_F(ARefresher, CountsThroughItsSuccessors) {
  Start({R"({"state":"following","rows":5,"published":1,"last_success":"1970-01-01T00:01:00Z"})",
         R"({"state":"following","rows":8,"rejected":1,"published":2})"});
  TakeUntil("refresher_rows", 8);
  EXPECT_EQ(metrics_.Get("refresher_publications"), 2U);
  EXPECT_EQ(metrics_.Get("refresher_rejected"), 1U);
  EXPECT_EQ(metrics_.Get("refresher_success"), 60U);
  EXPECT_EQ(metrics_.Get("refresher_up"), 1U);

  ::kill(refresher_.keeper().pid(), SIGKILL);
  AwaitEnd(Asked::kNo);
  EXPECT_EQ(metrics_.Get("refresher_restarts"), 1U);
  EXPECT_EQ(metrics_.Get("refresher_up"), 0U);
  now_ = refresher_.keeper().start_due();
  Start({R"({"rows":3,"published":1})"});
  TakeUntil("refresher_rows", 11);
  EXPECT_EQ(metrics_.Get("refresher_publications"), 3U);
  EXPECT_EQ(metrics_.Get("refresher_success"), 60U) << "what is served is as up to date as before";
  EXPECT_EQ(refresher_.Describe()->last_success, "1970-01-01T00:01:00Z");
  refresher_.keeper().End(now_);
  AwaitEnd(Asked::kYes);
  EXPECT_EQ(metrics_.Get("refresher_restarts"), 1U) << "it ended as asked";
}

TEST_F(ARefresher, IsNotUpWhileItFailsAndSaysWhy) {
  Start({R"({"state":"failing","rows":1,"error":"store: locked"})"});
  TakeUntil("refresher_rows", 1);
  EXPECT_EQ(metrics_.Get("refresher_up"), 0U);
  EXPECT_EQ(refresher_.Describe()->error, "store: locked");
}

TEST_F(ARefresher, ThatSpeaksNonsenseIsKeptAndItsNextWordTaken) {
  Start({"nonsense", R"({"rows":2})"});
  TakeUntil("refresher_rows", 2);
  EXPECT_TRUE(refresher_.keeper().running());
}

TEST_F(ARefresher, ThatDoesNotEndWhenAskedIsKilledAfterItsPatience) {
  refresher_.StartIfDue(now_, [&] {
    return ChildProcess::Start([] {},
                               [](int channel) {
                                 ::signal(SIGTERM, SIG_IGN);
                                 static_cast<void>(::send(channel, R"({"rows":1})", 10, 0));
                                 while (true) ::pause();
                                 return 0;
                               },
                               SIGKILL);
  });
  TakeUntil("refresher_rows", 1);
  refresher_.keeper().End(now_);
  EXPECT_EQ(refresher_.keeper().kill_due(), now_ + Refresher::kPatience);
  refresher_.keeper().End(now_ + Refresher::kPatience - milliseconds(1));
  refresher_.Take(now_, Asked::kYes);
  EXPECT_TRUE(refresher_.keeper().running());
  refresher_.keeper().End(now_ + Refresher::kPatience);
  AwaitEnd(Asked::kYes);
}

}  // namespace
}  // namespace forkcast::serving
