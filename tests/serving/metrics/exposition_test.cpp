#include "serving/metrics/exposition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "serving/metrics/metric_values.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Two slots have workers, slot 7 had one.
std::string Example() {
  MetricValues first;
  for (int i = 0; i < 3; ++i) first.Count("requests");
  first.Count("client_errors");
  first.Set("resident_bytes", 1000);
  MetricValues second;
  second.Count("requests");
  second.Count("server_errors");
  second.Set("resident_bytes", 2000);
  MetricValues gone;
  gone.Count("requests");
  MetricValues server;
  server.Set("target", 2);
  const std::vector<WorkerReadings> workers{{.slot = 0, .running = true, .values = first.Read()},
                                            {.slot = 3, .running = true, .values = second.Read()},
                                            {.slot = 7, .running = false, .values = gone.Read()}};
  return ToExposition(workers, server.Read());
}

TEST(Exposition, AddsUpWhatAllWorkersCountedAlsoThoseThatAreGone) {
  EXPECT_THAT(Example(), HasSubstr("# HELP forkcast_requests_total Answers, whatever their status\n"
                                   "# TYPE forkcast_requests_total counter\n"
                                   "forkcast_requests_total 5\n"));
}

TEST(Exposition, HasOneHelpAndTypeForAFamily) {
  EXPECT_THAT(Example(), HasSubstr("# TYPE forkcast_errors_total counter\n"
                                   "forkcast_errors_total{class=\"client\"} 1\n"
                                   "forkcast_errors_total{class=\"server\"} 1\n"
                                   "# HELP forkcast_clipped_total "));
}

TEST(Exposition, KeepsWorkersApartWhereASumWouldHideOne) {
  EXPECT_THAT(Example(), HasSubstr("# TYPE forkcast_resident_bytes gauge\n"
                                   "forkcast_resident_bytes{worker=\"0\"} 1000\n"
                                   "forkcast_resident_bytes{worker=\"3\"} 2000\n"
                                   "# HELP"));
}

TEST(Exposition, TakesTheServersOwnFromTheServer) {
  EXPECT_THAT(Example(), HasSubstr("# TYPE forkcast_workers_wanted gauge\n"
                                   "forkcast_workers_wanted 2\n"));
}

/// Version 0.0.4: comments are HELP and TYPE, once a family and before its samples; a sample is a
/// name, labels or none, and a number; the last line ends as all do.
TEST(Exposition, IsWellFormed) {
  const std::string text = Example();
  ASSERT_TRUE(text.ends_with('\n'));
  EXPECT_THAT(text, Not(HasSubstr("\n\n")));
  std::istringstream lines(text);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_EQ(text.find("# HELP " + family + ' '), text.rfind("# HELP " + family + ' '));
    } else if (line.starts_with("# ")) {
      EXPECT_THAT(line, testing::MatchesRegex("# TYPE " + family + " (counter|gauge)"));
    } else {
      EXPECT_THAT(line, testing::MatchesRegex(family + "(\\{[a-z]+=\"[^\"]+\"\\})? [0-9]+"));
    }
  }
}

}  // namespace
}  // namespace forkcast::serving
