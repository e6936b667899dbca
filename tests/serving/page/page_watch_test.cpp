#include "serving/page/page_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;

class PageWatchTest : public testing::Test {
 protected:
  json Look() {
    const PageWatch watch{
        .slots = slots_, .server = server_, .counts = counts_, .drift = board_.get()};
    return json::parse(DescribeWatch(watch, {.worker = 1, .host = "here"}, FromMicros(0)));
  }

  std::array<WorkerSlot, 3> slots_;
  ServerState server_;
  TestSeries series_;
  std::array<Counts, 1> counts_{{{.slots = slots_, .series = series_.blocks()}}};
  std::unique_ptr<DriftBoard> board_ = std::make_unique<DriftBoard>();
};

TEST_F(PageWatchTest, SaysWhoAnswersAndWhatWorkersAre) {
  server_.slots_end = 2;
  slots_[1].SetState(WorkerState::kReady);
  slots_[1].serves.Set("sales version 1");
  slots_[1].metrics.Count("requests", 7);
  const json watch = Look();
  EXPECT_EQ(watch["host"], "here");
  EXPECT_EQ(watch["worker"], 1);
  EXPECT_EQ(watch["now"], "1970-01-01T00:00:00Z");
  ASSERT_EQ(watch["workers"].size(), 1U);
  EXPECT_EQ(watch["workers"][0]["worker"], 1);
  EXPECT_EQ(watch["workers"][0]["state"], "ready");
  EXPECT_EQ(watch["workers"][0]["serves"], "sales version 1");
  EXPECT_EQ(watch["workers"][0]["counts"]["requests"], 7);
}

TEST_F(PageWatchTest, EstimatesLatenciesWithinTheirBuckets) {
  const std::array<std::string_view, 2> labels{"sa\"les", "/invocations"};
  const SeriesHistogram took = series_.writer.HistogramOf("request_duration_seconds", labels);
  for (int i = 0; i < 99; ++i) took.Observe(std::chrono::nanoseconds(60'000));
  took.Observe(std::chrono::nanoseconds(4'000'000));
  const json latencies = Look()["latencies"];
  ASSERT_EQ(latencies.size(), 1U);
  EXPECT_EQ(latencies[0]["deployment"], "sa\"les");
  EXPECT_EQ(latencies[0]["route"], "/invocations");
  EXPECT_EQ(latencies[0]["count"], 100);
  EXPECT_NEAR(latencies[0]["p50_ms"].get<double>(), 0.075, 0.026);  // of 0.05 to 0.1
  EXPECT_LE(latencies[0]["p99_ms"].get<double>(), 0.1);
  EXPECT_NEAR(latencies[0]["mean_ms"].get<double>(), 0.0994, 1e-6);
}

TEST_F(PageWatchTest, CountsAnswersByCode) {
  const std::array<std::string_view, 3> labels{"sales", "/invocations", "400"};
  series_.writer.CounterOf("requests", labels).Add(3);
  const json answers = Look()["answers"];
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(
      answers[0],
      (json{{"deployment", "sales"}, {"route", "/invocations"}, {"code", "400"}, {"count", 3}}));
}

TEST_F(PageWatchTest, ShowsTheReportsOfTheRecorder) {
  EXPECT_EQ(Look()["drift"], json::array());
  board_->Set(R"({"deployments":[{"deployment":"sales"}],"quality":[{"model":"sales"}]})");
  EXPECT_EQ(Look()["drift"][0]["deployment"], "sales");
  EXPECT_EQ(Look()["judged"][0]["model"], "sales");
  board_->Set("{half of a report");
  EXPECT_EQ(Look()["drift"], json::array());
  board_.reset();
  EXPECT_EQ(Look()["judged"], json::array());
}

}  // namespace
}  // namespace forkcast::serving
