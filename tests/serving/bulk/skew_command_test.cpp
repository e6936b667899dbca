#include "serving/commands/skew_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/command/command.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/capture/capture_line.hpp"
#include "serving/capture/capture_store.hpp"
#include "serving/endpoints/publish_tables.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using preprocessing::ExitCode;
using preprocessing::Value;
using testing::AllOf;
using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr const char* kPipeline = R"({
  "name": "shop", "version": "1",
  "tables": {"levels": {"columns": {"sku": "text", "at": "timestamp", "level": "int64"}}},
  "series": {"levels": {"table": "levels", "key": ["sku"], "time": "at", "values": ["level"],
                        "max_staleness": "unlimited"}},
  "request": {"fields": {"sku": "text", "at": "timestamp"}, "time": "at"},
  "features": [
    {"op": "as_of", "series": "levels", "value": "level", "missing": "keep"},
    {"name": "hour", "op": "calendar", "part": "hour"}]
})";

Instant At(const char* time) { return *preprocessing::ParseTimestamp(time, {}); }

/// Two orders that were answered, one after the other.
class SkewCommandTest : public testing::Test {
 protected:
  SkewCommandTest() : pipeline_(folder_.Write("shop.json", kPipeline)) {
    Publish("sku,at,level\n001,2024-01-01,5\n001,2024-01-03,4\n");
    Capture("r-1", "2024-01-02 08:00:00", R"({"sku": "001", "at": "2024-01-02 08:00:00"})", 5);
    Capture("r-2", "2024-01-04 08:00:00", R"([{"sku": "001", "at": "2024-01-04 08:00:00"}])", 4);
  }
  void Publish(std::string_view levels) {
    folder_.Write("levels.csv", levels);
    std::filesystem::remove(folder_.path() / "store.db");
    PublishTables(*preprocessing::LoadPipelineSpec(pipeline_), folder_.path());
  }
  /// A request for one row at 8 o'clock, which had this level.
  void Capture(const std::string& id, const char* received, const std::string& body,
               std::int64_t level, const std::string& pipeline = "shop") {
    CaptureMessage message;
    message.pipeline = pipeline;
    message.model_version = "1";
    message.request.id = id;
    message.request.received = At(received);
    message.request.content_type = "application/json";
    message.request.body = body;
    message.answer.content_type = "application/json";
    message.answer.body = "{}";
    static const std::vector<std::string> kNames{"level", "hour"};
    message.feature_names.assign(kNames.begin(), kNames.end());
    message.row_numbers = {0};
    message.values = {Value(level), Value(std::int64_t{8})};
    AppendCaptureLine(message, "e", lines_);
    records_.push_back(RecordOf(message, "e"));
  }
  ExitCode Skew(const std::string& place, const Words& flags = {}) {
    Words words{"--capture",   (folder_.path() / place).string(),
                "--pipeline",  pipeline_.string(),
                "--snapshots", folder_.path().string()};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const TestClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        SkewCommand(), words,
        {.environment = [](const char*) { return std::optional<std::string>(); },
         .out = out_,
         .err = err_,
         .clock = clock}));
  }
  ExitCode SkewOfFile(const Words& flags = {}) {
    folder_.Write("c.jsonl", lines_);
    return Skew("c.jsonl", flags);
  }

  preprocessing::TempFolder folder_;
  std::filesystem::path pipeline_;
  std::string lines_;
  std::vector<CaptureRecord> records_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(SkewCommandTest, FindsNothingWhereDataAreAsTheyWere) {
  EXPECT_EQ(SkewOfFile(), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "0 of 2 rows differ, 0 of 4 values, in 2 requests\n");
}

TEST_F(SkewCommandTest, ReadsPackedFilesAndStoresAlike) {
  folder_.WriteGzip("c.jsonl.gz", lines_);
  EXPECT_EQ(Skew("c.jsonl.gz"), ExitCode::kDone) << err_.str();
  const std::string of_file = out_.str();
  auto store = CaptureStore::Open(folder_.path() / "c.db");
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->Append(records_, {}, {}));
  EXPECT_EQ(Skew("c.db"), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), of_file);
}

TEST_F(SkewCommandTest, ShowsWhatCameLate) {
  Publish("sku,at,level\n001,2024-01-01,5\n001,2024-01-02,6\n001,2024-01-03,4\n");
  EXPECT_EQ(SkewOfFile(), ExitCode::kNo);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("r-1"), HasSubstr("2024-01-02T08:00:00Z"), HasSubstr("level"),
                    HasSubstr("1 of 2 rows differ, 1 of 4 values, in 2 requests\n")));
  EXPECT_EQ(SkewOfFile({"--json"}), ExitCode::kNo);
  const json found = json::parse(out_.str());
  EXPECT_EQ(found["differences"],
            json::parse(R"([{"request_id": "r-1", "row": 0, "time": "2024-01-02T08:00:00Z",
                             "feature": "level", "captured": 5, "recomputed": 6}])"));
  EXPECT_EQ(SkewOfFile({"--json", "--limit", "0"}), ExitCode::kNo);
  EXPECT_EQ(json::parse(out_.str())["differences"], json::array());
}

TEST_F(SkewCommandTest, DoesNotCountWhatBecameKnownAfterTheAnswer) {
  json pipeline = json::parse(kPipeline);
  pipeline["tables"]["levels"]["columns"]["known"] = "timestamp";
  pipeline["series"]["levels"]["known_at"] = "known";
  pipeline_ = folder_.Write("known.json", pipeline.dump());
  Publish(
      "sku,at,level,known\n001,2024-01-01,5,2024-01-01\n001,2024-01-03,4,2024-01-03\n"
      "001,2024-01-02,6,2024-01-05\n");
  // Asked about the next day, when that was not known.
  Capture("r-3", "2024-01-02 09:00:00", R"({"sku": "001", "at": "2024-01-03 08:00:00"})", 5);
  EXPECT_EQ(SkewOfFile(), ExitCode::kDone) << out_.str();
}

TEST_F(SkewCommandTest, LeavesOutAndCountsWhatCannotBeCompared) {
  Capture("r-3", "2024-01-04 08:00:00", R"({"sku": 1, "at": "2024-01-04 08:00:00"})", 4);
  Capture("r-4", "2024-01-04 08:00:00", "{}", 4, "another");
  EXPECT_EQ(SkewOfFile({"--json"}), ExitCode::kDone);
  const json found = json::parse(out_.str());
  EXPECT_EQ(found["of_other_pipelines"], 1);
  EXPECT_EQ(found["skipped"], 1);
  EXPECT_THAT(found["first_skipped"].get<std::string>(), HasSubstr("request r-3: row 0"));
}

TEST_F(SkewCommandTest, SaysWhereThereIsNothingToCompare) {
  lines_.clear();
  EXPECT_EQ(SkewOfFile(), ExitCode::kUnfit);
  EXPECT_EQ(Skew("none.jsonl"), ExitCode::kUnfit);
  EXPECT_EQ(Skew("none.db"), ExitCode::kUnfit);
  folder_.Write("c.jsonl", "{\"a\": 1}\n");
  EXPECT_EQ(Skew("c.jsonl"), ExitCode::kUnfit);
  EXPECT_THAT(err_.str(), HasSubstr("c.jsonl: line 1 is no captured invocation"));
}

}  // namespace
}  // namespace forkcast::serving
