#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "serving/endpoints/order_service.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPaid =
    R"({"order_id":"paid","timestamp":"2021-07-02","sku_code":"00123","zip_code":"01001"})";

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    service_.slot().SetState(WorkerState::kReady);
    service_.server().slots_end = 1;
  }
  Response Scrape(std::string_view accept = {}) {
    return Ask(service_.router(), {},
               {.method = Method::kGet, .path = "/metrics", .accept = accept});
  }

  OrderService service_;
};

TEST_F(MetricsTest, TellOfRequestsByDeploymentRouteAndStatus) {
  ASSERT_EQ(service_.Post(kPaid).status, 200);
  service_.Post(kPaid);
  service_.Post("{}");
  service_.Post(kPaid, {.path = "/endpoints/any/invocations"});
  const Response scraped = Scrape();
  EXPECT_EQ(scraped.status, 200);
  EXPECT_EQ(scraped.content_type, "text/plain; version=0.0.4; charset=utf-8");
  const std::string begin = R"(forkcast_requests_total{deployment="order_triage",route=)";
  EXPECT_THAT(scraped.body, HasSubstr(begin + "\"/invocations\",code=\"200\"} 2\n"));
  EXPECT_THAT(scraped.body, HasSubstr(begin + "\"/invocations\",code=\"400\"} 1\n"));
  EXPECT_THAT(scraped.body,
              HasSubstr(begin + "\"/endpoints/{name}/invocations\",code=\"200\"} 1\n"));
  EXPECT_THAT(scraped.body,
              HasSubstr("forkcast_request_duration_seconds_count{deployment=\"order_triage\","
                        "route=\"/invocations\"} 3\n"));
}

TEST_F(MetricsTest, TellWhatIsServedAndByHowManyWorkers) {
  const std::string text = Scrape().body;
  EXPECT_THAT(text, HasSubstr("\nforkcast_workers{state=\"ready\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nforkcast_workers{state=\"booting\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nforkcast_deployment_info{deployment=\"order_triage\","
                              "pipeline=\"order_triage\",model=\"order_triage\","
                              "version=\"1\"} 1\n"));
}

TEST_F(MetricsTest, AreOpenMetricsForWhoPrefersThat) {
  const Response scraped = Scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  EXPECT_EQ(scraped.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_THAT(scraped.body, testing::EndsWith("# EOF\n"));
}

TEST_F(MetricsTest, TellWhatEachStageTook) {
  service_.clock().PassWithEachLook(std::chrono::microseconds(10));
  ASSERT_EQ(service_.Post(kPaid).status, 200);
  const std::string text = Scrape().body;
  for (const char* const stage : {"decode", "features", "model", "write"}) {
    EXPECT_THAT(text, HasSubstr(std::string("forkcast_stage_duration_seconds_count{deployment="
                                            "\"order_triage\",route=\"/invocations\",stage=\"") +
                                stage + "\"} 1\n"));
  }
}

TEST_F(MetricsTest, OfARequestAreToldItsCallerWhoAsks) {
  service_.clock().PassWithEachLook(std::chrono::microseconds(10));
  const Response answer = service_.Post(kPaid, {.query = "timing=true"});
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(std::string(HeaderValue(answer, "Server-Timing")),
              testing::MatchesRegex("(queue;dur=[0-9.]+, )?decode;dur=[0-9.]+, "
                                    "features;dur=[0-9.]+, model;dur=[0-9.]+, "
                                    "write;dur=[0-9.]+, total;dur=[0-9.]+"));
  EXPECT_EQ(HeaderValue(service_.Post(kPaid), "Server-Timing"), "");
}

TEST(PipelineMetrics, AreCountedOfAnsweredRows) {
  OrderService service([](nlohmann::ordered_json& pipeline) {
    pipeline["metrics"] =
        nlohmann::ordered_json::parse(R"([{"name": "decisions", "count_by": "class"}])");
  });
  ASSERT_EQ(service.Post(kPaid).status, 200);
  service.Post("{}");
  const std::string text =
      Ask(service.router(), {}, {.method = Method::kGet, .path = "/metrics"}).body;
  EXPECT_THAT(text, HasSubstr("forkcast_output_rows_total{deployment=\"order_triage\","
                              "metric=\"decisions\",value=\"Decline\"} 1\n"));
}

TEST_F(MetricsTest, CountWhatCameTooLate) {
  service_.clock().Set(MonotonicTime(std::chrono::hours(2)));
  ASSERT_EQ(service_.Post(kPaid).status, 504);
  EXPECT_THAT(Scrape().body, HasSubstr("forkcast_refused_total{reason=\"deadline\"} 1\n"));
}

}  // namespace
}  // namespace forkcast::serving
