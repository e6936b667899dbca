#include "client/replay_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::client {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

ReplayReport Example() {
  ReplayReport report;
  report.rows = 4;
  report.answered = 3;
  report.failed = 1;
  report.requests = 2;
  report.retried = 5;
  report.elapsed = std::chrono::milliseconds(500);
  report.latency = {.p50 = microseconds(1500),
                    .p90 = microseconds(2000),
                    .p99 = microseconds(3000),
                    .p999 = microseconds(4000),
                    .max = microseconds(5250)};
  report.count_by = "recommendation";
  report.counts = {{"Deliver", 2}, {"HoldCheckAvailability", 1}};
  report.first_failures = {R"({"row":3,"error":{"code":"timed_out"}})"};
  report.expectation = {
      .compared = 4, .different = 1, .first_differences = {"row 3: expected \xFF"}};
  return report;
}

TEST(ReplayReport, AsTextIsReadByPeople) {
  EXPECT_EQ(ReportAsText(Example()),
            "rows      3 answered, 1 failed\n"
            "requests  2, 5 sent again\n"
            "took      0.500 s: 8.0 rows/s, 4.0 requests/s\n"
            "latency   p50 1.500  p90 2.000  p99 3.000  p99.9 4.000  max 5.250 ms\n"
            "\n"
            "recommendation         count  percent\n"
            "Deliver                    2    66.67\n"
            "HoldCheckAvailability      1    33.33\n"
            "\n"
            "1 rows failed; the first to come:\n"
            "  {\"row\":3,\"error\":{\"code\":\"timed_out\"}}\n"
            "\n"
            "expected  4 rows compared, 1 differ\n"
            "  row 3: expected \xFF\n");
}

TEST(ReplayReport, AsJsonIsOneLineWithTheSameNumbers) {
  const std::string line = ReportAsJson(Example());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json["rows"], 4);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["retried"], 5);
  EXPECT_EQ(json["rows_per_second"], 8.0);
  EXPECT_EQ(json["requests_per_second"], 4.0);
  EXPECT_EQ(json["latency_ms"]["p99.9"], 4.0);
  EXPECT_EQ(json["counts"][1]["value"], "HoldCheckAvailability");
  EXPECT_EQ(json["counts"][1]["count"], 1);
  EXPECT_EQ(json["first_failures"][0]["row"], 3);
  EXPECT_EQ(json["expected"]["different"], 1);
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_FALSE(json.contains("problem"));
}

TEST(ReplayReport, OfNothingSentHasNoLatency) {
  EXPECT_THAT(ReportAsText({}), testing::Not(HasSubstr("latency")));
  EXPECT_TRUE(nlohmann::json::parse(ReportAsJson({}))["latency_ms"].is_null());
}

TEST(ReplayReport, ListsTheMostFrequentValuesOnly) {
  ReplayReport report;
  for (int i = 0; i < 60; ++i) report.counts.push_back({"v" + std::to_string(i), 1});
  EXPECT_THAT(ReportAsText(report), HasSubstr("v49 "));
  EXPECT_THAT(ReportAsText(report), testing::Not(HasSubstr("v50 ")));
  EXPECT_THAT(ReportAsText(report), HasSubstr("... and 10 more\n"));
}

struct ExitCase {
  const char* name;
  ReplayEnd end;
  int signal;
  std::size_t failed;
  std::size_t different;
  int code;
};

class ReplayExitCode : public testing::TestWithParam<ExitCase> {};

TEST_P(ReplayExitCode, IsTheOneThatHelpTells) {
  ReplayReport report;
  report.end = GetParam().end;
  report.signal = GetParam().signal;
  report.failed = GetParam().failed;
  report.expectation = {.compared = 9, .different = GetParam().different, .first_differences = {}};
  EXPECT_EQ(static_cast<int>(ExitCodeOf(report)), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ReplayExitCode,
    testing::Values(ExitCase{"AllGood", ReplayEnd::kDone, 0, 0, 0, 0},
                    ExitCase{"ARowFailed", ReplayEnd::kDone, 0, 1, 0, 1},
                    ExitCase{"ARowDiffers", ReplayEnd::kDone, 0, 0, 1, 1},
                    ExitCase{"NeverReady", ReplayEnd::kNeverReady, 0, 0, 0, 3},
                    ExitCase{"Unreadable", ReplayEnd::kUnreadable, 0, 1, 1, 5},
                    ExitCase{"Unwritable", ReplayEnd::kUnwritable, 0, 1, 1, 5},
                    ExitCase{"Interrupted", ReplayEnd::kInterrupted, SIGINT, 1, 0, 130},
                    ExitCase{"Terminated", ReplayEnd::kInterrupted, SIGTERM, 0, 0, 143}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::client
