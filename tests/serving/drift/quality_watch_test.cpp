#include "serving/drift/quality_watch.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::TempFolder;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class QualityWatchTest : public testing::Test {
 protected:
  QualityWatchTest() { std::filesystem::create_directory(folder_.path() / "quality"); }

  void Leave(const std::string& model, bool alarm) {
    folder_.Write("quality/" + model + ".json",
                  R"({"format":"forkcast.quality","model":")" + model +
                      R"(","version":3,"alarm":)" + (alarm ? "true" : "false") +
                      R"(,"judged_at":"2024-01-31T00:00:00Z","windows":[{"from":"2024-01-01"},)"
                      R"({"from":"2024-01-08","metrics":[{"name":"wape","status":"alarm"},)"
                      R"({"name":"rmse"},{"name":"relative_bias","status":"too_small"}]}]})");
  }
  bool Look(seconds later) { return watch_.Look(folder_.path(), start_ + later); }

  TempFolder folder_;
  MetricValues metrics_;
  LogLines lines_;
  QualityWatch watch_{metrics_, lines_.log()};
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
