#include "model/quality/quality_report.hpp"

#include <gmock/gmock.h>

#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/version_history.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

QualityWindow Window(const std::string& from, double value) {
  return {.from = from,
          .to = from,
          .rows = 100,
          .metrics = {{.name = "wape", .value = value, .variance = 1e-6}}};
}

/// Windows whose WAPE is as in the folds, and then three times that.
QualityFindings Findings(double last = 0.3) {
  const QualityReference reference{.metrics = {{.name = "wape",
                                                .folds = {0.1, 0.11, 0.09},
                                                .worse = MetricReference::Worse::kGreater,
                                                .unit = 0.1}},
                                   .rows_of_a_fold = 100};
  QualityFindings findings{
      .model = "<sales>",
      .version = 3,
      .kind = "forecast",
      .windows = {Window("2024-01-01", 0.1), Window("2024-01-08", 0.3), Window("2024-01-15", last)},
      .left_out = {{"told_again", 2}}};
  Judge(reference, findings);
  return findings;
}

TEST(QualityReport, AlarmsWhereItsNewestWindowDoes) {
  EXPECT_EQ(ToJson(Findings())["alarm"], true);
  EXPECT_EQ(ToJson(Findings(0.1))["alarm"], false);
  EXPECT_TRUE(IsQualityReport(ToJson(Findings())));
}

TEST(QualityReport, IsReadByPeople) {
  const std::string text = QualityText(ToJson(Findings()), {});
  EXPECT_THAT(text, HasSubstr("<sales> version 3: worse than in the folds"));
  EXPECT_THAT(text, HasSubstr("not_yet"));
  EXPECT_THAT(text, HasSubstr("not counted: 2 told_again"));
  const std::string page = QualitySection(ToJson(Findings()));
  EXPECT_THAT(page, HasSubstr("&lt;sales&gt; version 3"));
  EXPECT_THAT(page, HasSubstr("worse, to be confirmed"));
  EXPECT_THROW((void)QualityText(ordered_json::object(), {}), preprocessing::SpecError);
}

TEST(QualityHistory, HasEachWindowOnceAndAgainWhenItsTruthWasCorrected) {
  const preprocessing::TempFolder folder;
  const VersionInfo version{
      .model = "sales", .number = 3, .folder = folder.path(), .aliases = {}, .published_at = {}};
  EXPECT_EQ(*RecordQuality(version, ToJson(Findings())), 3U);
  EXPECT_EQ(*RecordQuality(version, ToJson(Findings())), 0U);
  EXPECT_EQ(*RecordQuality(version, ToJson(Findings(0.2))), 1U);
  const VersionHistory history = *ReadHistory(version);
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history[2]["window"]["from"], "2024-01-15");
  EXPECT_EQ(history[3]["window"]["from"], "2024-01-15");
  EXPECT_EQ(history[3]["window"]["metrics"][0]["value"], 0.2);
}

TEST(QualityHistory, ThatIsDamagedIsNamedAndStaysAsItIs) {
  const preprocessing::TempFolder folder;
  const VersionInfo version{
      .model = "sales", .number = 3, .folder = folder.path(), .aliases = {}, .published_at = {}};
  folder.Write("history.jsonl", "{\"event\": \"other\"}\nno JSON\n");
  const auto recorded = RecordQuality(version, ToJson(Findings()));
  ASSERT_FALSE(recorded);
  EXPECT_EQ(recorded.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(recorded.error().message, HasSubstr("history.jsonl: line 2"));
  EXPECT_EQ(preprocessing::ReadWhole(folder.path() / "history.jsonl"),
            "{\"event\": \"other\"}\nno JSON\n");
}

}  // namespace
}  // namespace forkcast::model
