#include "serving/metrics/exposition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "serving/metrics/metric_values.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What is told in a form.
struct Example {
  Example() {
    for (int i = 0; i < 3; ++i) first.Count("restarts");
    first.Count("client_errors");
    first.Set("resident_bytes", 1000);
    second.Count("restarts");
    second.Count("server_errors");
    second.Set("resident_bytes", 2000);
    gone.Count("restarts");
    server.Set("target", 2);
    const std::array<std::string_view, 3> answered{"triage", "/invocations", "200"};
    series.writer.CounterOf("requests", answered).Add(5);
    const std::array<std::string_view, 2> timed{"triage", "/invocations"};
    const SeriesHistogram times = series.writer.HistogramOf("request_duration_seconds", timed);
    times.Observe(std::chrono::microseconds(1));
    times.Observe(std::chrono::microseconds(1500));
    times.Observe(std::chrono::seconds(11));
  }

  [[nodiscard]] std::string Text(ExpositionForm form = ExpositionForm::kPrometheus) const {
    const std::vector<WorkerReadings> workers{{.slot = 0, .running = true, .values = first.Read()},
                                              {.slot = 3, .running = true, .values = second.Read()},
                                              {.slot = 7, .running = false, .values = gone.Read()}};
    std::string labels;
    AddLabel("version", "a\"b\\c\nd", labels);
    const std::vector<DerivedFamily> derived{
        {.family = "deployment_info", .help = "What is served", .samples = {{labels, 1}}}};
    return ToExposition({.workers = workers,
                         .server = server.Read(),
                         .series = SumSeries(series.blocks()),
                         .derived = derived},
                        form);
  }

  // Two slots have workers, the third had one.
  MetricValues first;
  MetricValues second;
  MetricValues gone;
  MetricValues server;
  TestSeries series;
};

std::string Text(ExpositionForm form = ExpositionForm::kPrometheus) { return Example().Text(form); }

TEST(Exposition, AddsUpWhatAllWorkersCountedAlsoThoseThatAreGone) {
  EXPECT_THAT(Text(), HasSubstr("# HELP forkcast_restarts_total "
                                "Processes of workers that ended unasked\n"
                                "# TYPE forkcast_restarts_total counter\n"
                                "forkcast_restarts_total 5\n"));
}

TEST(Exposition, HasOneHelpAndTypeForAFamily) {
  EXPECT_THAT(Text(), HasSubstr("# TYPE forkcast_errors_total counter\n"
                                "forkcast_errors_total{class=\"client\"} 1\n"
                                "forkcast_errors_total{class=\"server\"} 1\n"
                                "# HELP forkcast_refused_total "));
}

TEST(Exposition, ShowsWhatIsCountedByLabelsByThemAlone) {
  EXPECT_THAT(
      Text(),
      HasSubstr(
          "# TYPE forkcast_requests_total counter\n"
          "forkcast_requests_total{deployment=\"triage\",route=\"/invocations\",code=\"200\"} "
          "5\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("forkcast_requests_total 0")));
}

TEST(Exposition, AddsUpTheBucketsOfAHistogram) {
  const std::string bucket =
      "forkcast_request_duration_seconds_bucket{deployment=\"triage\",route=\"/invocations\",le=";
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("# TYPE forkcast_request_duration_seconds histogram\n" + bucket +
                              "\"0.000001\"} 1\n" + bucket + "\"0.000002\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"0.001\"} 1\n" + bucket + "\"0.002\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"10.0\"} 2\n" + bucket + "\"+Inf\"} 3\n" +
                              "forkcast_request_duration_seconds_sum{deployment=\"triage\","
                              "route=\"/invocations\"} 11.001501\n"
                              "forkcast_request_duration_seconds_count{deployment=\"triage\","
                              "route=\"/invocations\"} 3\n"));
}

TEST(Exposition, EscapesTheValuesOfLabels) {
  EXPECT_THAT(Text(), HasSubstr(R"(forkcast_deployment_info{version="a\"b\\c\nd"} 1)"));
}

TEST(Exposition, OfOpenMetricsNamesCounterFamiliesWithoutTheirEndAndSaysWhereItEnds) {
  const std::string text = Text(ExpositionForm::kOpenMetrics);
  EXPECT_THAT(text, HasSubstr("# TYPE forkcast_restarts counter\nforkcast_restarts_total 5\n"));
  EXPECT_THAT(text, testing::EndsWith("\n# EOF\n"));
}

TEST(Exposition, KeepsWorkersApartWhereASumWouldHideOne) {
  EXPECT_THAT(Text(), HasSubstr("# TYPE forkcast_resident_bytes gauge\n"
                                "forkcast_resident_bytes{worker=\"0\"} 1000\n"
                                "forkcast_resident_bytes{worker=\"3\"} 2000\n"
                                "# HELP"));
}

TEST(Exposition, TakesTheServersOwnFromTheServer) {
  EXPECT_THAT(Text(), HasSubstr("# TYPE forkcast_workers_wanted gauge\n"
                                "forkcast_workers_wanted 2\n"));
}

/// Version 0.0.4: comments are HELP and TYPE, once a family and before its samples; a sample is a
/// name, labels or none, and a number; the last line ends as all do.
TEST(Exposition, IsWellFormed) {
  const std::string text = Text();
  ASSERT_TRUE(text.ends_with('\n'));
  EXPECT_THAT(text, Not(HasSubstr("\n\n")));
  std::istringstream lines(text);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_EQ(text.find("# HELP " + family + ' '), text.rfind("# HELP " + family + ' '));
    } else if (line.starts_with("# ")) {
      EXPECT_THAT(line, testing::MatchesRegex("# TYPE " + family + " (counter|gauge|histogram)"));
    } else {
      EXPECT_THAT(line,
                  testing::MatchesRegex(family + "(_bucket|_sum|_count)?(\\{.*\\})? [0-9.]+"));
    }
  }
}

struct NegotiationCase {
  const char* name;
  const char* accept;
  ExpositionForm form;
};
void PrintTo(const NegotiationCase& one, std::ostream* out) { *out << one.accept; }

class NegotiatedExposition : public testing::TestWithParam<NegotiationCase> {};

TEST_P(NegotiatedExposition, IsWhatAcceptPrefers) {
  EXPECT_EQ(NegotiateExposition(GetParam().accept), GetParam().form);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NegotiatedExposition,
    testing::Values(
        NegotiationCase{"NothingAsked", "", ExpositionForm::kPrometheus},
        NegotiationCase{"ABrowser", "text/html,*/*;q=0.8", ExpositionForm::kPrometheus},
        NegotiationCase{"Prometheus2",
                        "application/openmetrics-text;version=1.0.0,"
                        "application/openmetrics-text;version=0.0.1;q=0.75,"
                        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                        ExpositionForm::kOpenMetrics},
        NegotiationCase{
            "AnOlderVersionAlone",
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5",
            ExpositionForm::kPrometheus},
        NegotiationCase{"NoVersion", "application/openmetrics-text", ExpositionForm::kOpenMetrics},
        NegotiationCase{"TextRather", "application/openmetrics-text;q=0.4, text/plain;q=0.5",
                        ExpositionForm::kPrometheus}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
