#include "serving/drift/drift_monitor.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "serving/metrics/exposition.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Of a version with one feature: 9,000 rows "cash", 1,000 "card".
constexpr const char* kReference = R"({"format": "forkcast.reference", "format_version": 1,
  "features": {"payment": {"rows": 10000, "missing": 0, "categories": {"cash": 9000, "card": 1000}}},
  "outputs": {}})";

class DriftMonitorTest : public testing::Test {
 protected:
  DriftMonitorTest() { folder_.Write("reference.json", kReference); }

  std::string Settings(const std::string& more) const {
    return R"({"type":"drift","folder":")" + Reports().string() + "\"" + more + "}";
  }
  std::filesystem::path Reports() const { return folder_.path() / "reports"; }

  /// What a worker counted: cash, card, unseen, missing.
  Status Take(std::vector<std::uint32_t> counts, std::chrono::seconds later = {},
              const std::string& deployment = "shop") {
    std::vector<std::byte> bytes;
    EncodeDrift({.settings = settings_,
                 .deployment = deployment,
                 .pipeline = "orders",
                 .version = "1",
                 .folder = folder_.path().native(),
                 .sent = kLastSecondOfJanuary + later,
                 .counts = std::move(counts)},
                bytes);
    return monitor_.Take(bytes);
  }
  ordered_json Board() const {
    const std::string text = board_->Get().value_or("");
    return text.empty() ? ordered_json() : preprocessing::ParseJson(text);
  }
  std::uint64_t Windows() const { return metrics_.Get("drift_windows"); }
  std::uint64_t Alarms() const { return metrics_.Get("drift_alarms"); }
  /// What Prometheus would be told.
  std::string Scraped() const {
    return ToExposition(
        {.workers = {}, .server = metrics_.Read(), .series = SumSeries(series_.blocks())});
  }

  TempFolder folder_;
  std::unique_ptr<DriftBoard> board_ = std::make_unique<DriftBoard>();
  MetricValues metrics_;
  LogLines lines_;
  ManualClock clock_;
  TestSeries series_;
  std::vector<RetrainWish> wishes_;
  DriftAlarms alarms_{{.log = lines_.log(),
                       .clock = clock_,
                       .series = series_.writer,
                       .make_id = [] { return std::string("1"); },
                       .retrain = [this](const RetrainWish& wish) { wishes_.push_back(wish); }}};
  DriftMonitor monitor_{{.board = *board_,
                         .metrics = metrics_,
                         .series = series_.writer,
                         .alarms = alarms_,
                         .log = lines_.log(),
                         .clock = clock_}};
  std::string settings_ = Settings(R"(,"window_rows":1000)");
};

TEST_F(DriftMonitorTest, AddsUpWhatWorkersCountedUntilAWindowIsFull) {
  ASSERT_TRUE(Take({450, 49, 0, 0}));
  EXPECT_EQ(Windows(), 0U);
  ASSERT_TRUE(Take({450, 51, 0, 0}));
  EXPECT_EQ(Windows(), 1U);
  const ordered_json report = Board()["deployments"][0];
  EXPECT_EQ(report["deployment"], "shop");
  EXPECT_EQ(report["window"]["from"], "2024-01-31T23:59:59.250000Z");
  EXPECT_EQ(report["columns"][0]["rows"], 1000);
  EXPECT_EQ(report["columns"][0]["status"], "too_small");
  EXPECT_EQ(report["alarm"], false);
  EXPECT_EQ(Alarms(), 0U);
}

TEST_F(DriftMonitorTest, AlarmsInTheLogTheMetricsTheFileAndTheBoardOnceItLasts) {
  ASSERT_TRUE(Take({700, 300, 0, 0}));
  EXPECT_EQ(Alarms(), 0U);
  ASSERT_TRUE(Take({700, 300, 0, 0}));
  EXPECT_EQ(Alarms(), 1U);
  EXPECT_THAT(
      lines_.lines(),
      ElementsAre(
          R"(warning drift_alarm deployment="shop" version="1" window=2 columns="payment")"));
  const ordered_json report = preprocessing::ParseJson(ReadWhole(Reports() / "shop.json"));
  EXPECT_EQ(report["alarm"], true);
  EXPECT_EQ(report["columns"][0]["status"], "alarm");
  EXPECT_EQ(Board()["deployments"][0], report);
}

TEST_F(DriftMonitorTest, TellsPrometheusOfEachColumnOfTheNewestWindow) {
  for (int window = 0; window < 3; ++window) ASSERT_TRUE(Take({700, 300, 0, 0}));
  const std::string labels = R"({deployment="shop",column="payment"})";
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_status" + labels + " 4\n"));
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_column_alarms_total" + labels + " 2\n"));
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_window{deployment=\"shop\"} 3\n"));
  const ordered_json column = Board()["deployments"][0]["columns"][0];
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_effect" + labels + " " +
                                   fmt::to_string(column["effect"].get<double>()) + "\n"));
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_p_value" + labels + " " +
                                   fmt::to_string(column["p"].get<double>()) + "\n"));
  ASSERT_TRUE(Take({900, 100, 0, 0}));
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_status" + labels + " 1\n"));
  EXPECT_THAT(Scraped(), HasSubstr("forkcast_drift_column_alarms_total" + labels + " 2\n"));
}

TEST_F(DriftMonitorTest, TellsNoMoreOfAColumnThatTheNewVersionDoesNotHave) {
  ASSERT_TRUE(Take({900, 100, 0, 0}));
  EXPECT_THAT(Scraped(), HasSubstr("column=\"payment\""));
  std::string of_another = kReference;
  of_another.replace(of_another.find("payment"), 7, "channel");
  folder_.Write("reference.json", of_another);
  settings_ = Settings(R"(,"window_rows":900)");  // read anew, as of another folder
  ASSERT_TRUE(Take({900, 100, 0, 0}));
  EXPECT_THAT(Scraped(),
              HasSubstr("forkcast_drift_status{deployment=\"shop\",column=\"channel\"}"));
  EXPECT_THAT(Scraped(),
              Not(HasSubstr("forkcast_drift_status{deployment=\"shop\",column=\"payment\"}")));
}

TEST_F(DriftMonitorTest, AsksForTheModelOfAVersionThatAlarmsToBeTrainedAnew) {
  settings_ = Settings(R"(,"window_rows":1000,"on_alarm":"retrain","retrain_seconds":60)");
  ASSERT_TRUE(Take({700, 300, 0, 0}));
  EXPECT_TRUE(wishes_.empty());
  ASSERT_TRUE(Take({700, 300, 0, 0}));
  const std::filesystem::path model = folder_.path().parent_path();
  EXPECT_THAT(wishes_, ElementsAre(RetrainWish{.models = model.parent_path().string(),
                                               .name = model.filename().string(),
                                               .least_pause = std::chrono::seconds(60)}));
}

TEST_F(DriftMonitorTest, EndsWindowsByTime) {
  settings_ = Settings(R"(,"window_seconds":60)");
  ASSERT_TRUE(Take({9'000, 1'000, 0, 0}));
  ASSERT_TRUE(Take({9'000, 1'000, 0, 0}, std::chrono::seconds(59)));
  EXPECT_EQ(Windows(), 0U);
  ASSERT_TRUE(Take({9, 1, 0, 0}, std::chrono::seconds(60)));
  EXPECT_EQ(Windows(), 1U);
  EXPECT_EQ(Board()["deployments"][0]["columns"][0]["rows"], 20'010);
}

TEST_F(DriftMonitorTest, SlidesByStepsOverTheLastRows) {
  settings_ = Settings(R"(,"window_rows":2000,"steps":4)");
  for (const std::uint32_t cards : {10U, 20U, 30U}) ASSERT_TRUE(Take({500 - cards, cards, 0, 0}));
  EXPECT_EQ(Windows(), 0U);
  ASSERT_TRUE(Take({460, 40, 0, 0}));
  EXPECT_EQ(Windows(), 1U);
  EXPECT_EQ(Board()["deployments"][0]["columns"][0]["rows"], 2000);
  ASSERT_TRUE(Take({500, 0, 0, 0}));
  EXPECT_EQ(Windows(), 2U);
  EXPECT_EQ(Board()["deployments"][0]["columns"][0]["rows"], 2000);
}

TEST_F(DriftMonitorTest, KeepsDeploymentsApart) {
  ASSERT_TRUE(Take({600, 0, 0, 0}, {}, "one"));
  ASSERT_TRUE(Take({600, 0, 0, 0}, {}, "two"));
  EXPECT_EQ(Windows(), 0U);
  ASSERT_TRUE(Take({600, 0, 0, 0}, {}, "two"));
  EXPECT_EQ(Board()["deployments"][0]["deployment"], "two");
}

TEST_F(DriftMonitorTest, RefusesCountsOfOtherBins) {
  const Status taken = Take({1, 2});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("other bins"));
}

TEST_F(DriftMonitorTest, RefusesCountsOfAVersionThatIsGone) {
  std::filesystem::remove(folder_.path() / "reference.json");
  const Status taken = Take({1, 2, 0, 0});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("reference.json"));
}

TEST_F(DriftMonitorTest, GoesOnWhereReportsCannotBeWritten) {
  folder_.Write("reports", "a file where the folder should be");
  ASSERT_TRUE(Take({900, 100, 0, 0}));
  ASSERT_TRUE(Take({900, 100, 0, 0}));
  EXPECT_EQ(Windows(), 2U);
  EXPECT_EQ(Board()["deployments"][0]["window"]["number"], 2);
  EXPECT_THAT(lines_.lines(), ElementsAre(HasSubstr("drift_report_failed")));
}

TEST_F(DriftMonitorTest, ShowsWhatIsKnownOfQualityBesideIt) {
  std::filesystem::create_directories(Reports() / "quality");
  folder_.Write("reports/quality/orders.json",
                R"({"format":"forkcast.quality","model":"orders","version":1,"alarm":false,)"
                R"("judged_at":"2024-01-31T00:00:00Z","windows":[]})");
  ASSERT_TRUE(Take({450, 50, 0, 0}));
  EXPECT_EQ(Board()["quality"][0]["model"], "orders");
  EXPECT_EQ(Board()["deployments"], ordered_json::array());
  ASSERT_TRUE(Take({450, 50, 0, 0}));
  EXPECT_EQ(Board()["quality"].size(), 1U);
  EXPECT_EQ(Board()["deployments"].size(), 1U);
}

}  // namespace
}  // namespace forkcast::serving
