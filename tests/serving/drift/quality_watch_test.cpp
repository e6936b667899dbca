#include "serving/drift/quality_watch.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "serving/metrics/exposition.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TempFolder;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class QualityWatchTest : public testing::Test {
 protected:
  QualityWatchTest() { std::filesystem::create_directory(folder_.path() / "quality"); }

  void Leave(const std::string& model, bool alarm) {
    folder_.Write(
        "quality/" + model + ".json",
        R"({"format":"forkcast.quality","model":")" + model + R"(","version":3,"alarm":)" +
            (alarm ? "true" : "false") +
            R"(,"judged_at":"2024-01-31T00:00:00Z","windows":[{"from":"2024-01-01"},)"
            R"({"from":"2024-01-08","metrics":[{"name":"wape","value":0.3,"folds":0.1,"status":"alarm"},)"
            R"({"name":"rmse","value":null},{"name":"relative_bias","status":"too_small"}]}]})");
  }
  bool Look(seconds later) { return watch_.Look(folder_.path(), start_ + later); }

  TempFolder folder_;
  MetricValues metrics_;
  LogLines lines_;
  TestSeries series_;
  QualityWatch watch_{metrics_, series_.writer, lines_.log()};
  MonotonicTime start_{};
};

TEST_F(QualityWatchTest, TellsOfAReportOnceAndShowsItsLastWindow) {
  Leave("sales", true);
  EXPECT_TRUE(Look(seconds(0)));
  EXPECT_FALSE(Look(seconds(60)));
  EXPECT_EQ(metrics_.Get("quality_reports"), 1U);
  EXPECT_EQ(metrics_.Get("quality_alarms"), 1U);
  EXPECT_THAT(
      lines_.lines(),
      ElementsAre(
          R"(warning quality_alarm model="sales" version=3 window="2024-01-08" metrics="wape")"));
  ASSERT_EQ(watch_.newest().size(), 1U);
  EXPECT_EQ(watch_.newest()[0]["window"]["from"], "2024-01-08");
}

TEST_F(QualityWatchTest, ShowsTheMetricsOfTheLastWindow) {
  Leave("sales", true);
  ASSERT_TRUE(Look(seconds(0)));
  const std::string scraped = ToExposition(
      {.workers = {}, .server = metrics_.Read(), .series = SumSeries(series_.blocks())});
  EXPECT_THAT(scraped, HasSubstr("forkcast_quality_value{model=\"sales\",metric=\"wape\"} 0.3\n"));
  EXPECT_THAT(scraped, HasSubstr("forkcast_quality_folds{model=\"sales\",metric=\"wape\"} 0.1\n"));
  EXPECT_THAT(scraped, HasSubstr("forkcast_quality_status{model=\"sales\",metric=\"wape\"} 4\n"));
  EXPECT_THAT(scraped, Not(HasSubstr("rmse"))) << "it is not defined in this window";
}

TEST_F(QualityWatchTest, LooksAgainAfterTenSeconds) {
  EXPECT_FALSE(Look(seconds(0)));
  Leave("sales", false);
  EXPECT_FALSE(Look(seconds(9)));
  EXPECT_TRUE(Look(seconds(10)));
  EXPECT_EQ(metrics_.Get("quality_alarms"), 0U);
  Leave("demand", true);
  EXPECT_TRUE(Look(seconds(20)));
  EXPECT_EQ(metrics_.Get("quality_alarms"), 1U);
  EXPECT_EQ(watch_.newest().size(), 2U);
}

TEST_F(QualityWatchTest, PassesOverWhatIsNoReport) {
  folder_.Write("quality/sales.json", R"({"format":"forkcast.drift"})");
  EXPECT_FALSE(Look(seconds(0)));
  EXPECT_THAT(lines_.lines(),
              ElementsAre(AllOf(HasSubstr("quality_report_refused"), HasSubstr("sales.json"))));
}

TEST_F(QualityWatchTest, IsSilentWhereNobodyAsksForQuality) {
  EXPECT_FALSE(watch_.Look("/nowhere", start_));
  EXPECT_THAT(lines_.lines(), IsEmpty());
}

}  // namespace
}  // namespace forkcast::serving
