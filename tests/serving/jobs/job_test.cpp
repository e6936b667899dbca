#include "serving/jobs/job.hpp"

#include <gtest/gtest.h>

#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

JobRecord WholeJob() {
  return {.id = 17,
          .order = {.kind = JobKind::kTrain,
                    .deployment = "weekly",
                    .key = R"({"store_id":1})",
                    .options = R"({"last":"17w"})",
                    .subject = "weekly_demand"},
          .state = JobState::kFailed,
          .progress = {.percent = 41.25, .doing = "folds", .remaining_s = 3.5},
          .submitted_at = FromMicros(1'700'000'000'000'001),
          .started_at = FromMicros(1'700'000'001'000'000),
          .ended_at = FromMicros(1'700'000'002'000'000),
          .submitted_by = "nightly",
          .key_of_request = "k-1",
          .attempt = 2,
          .worker = "host/7",
          .owner = "boot pid:[1] 7 99",
          .beat = 12,
          .is_suspected = true,
          .stop_asked = true,
          .error = JobError{.code = "io", .message = "disk full", .field = "models"},
          .verdict = R"({"version":4})",
          .version = 4};
}

TEST(JobRecord, HasAllOfAJob) {
  const JobRecord job = WholeJob();
  const auto read = ReadJob(17, RecordOf(job));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(RecordOf(*read), RecordOf(job));
  EXPECT_EQ(ToJson(*read), ToJson(job));
}

TEST(JobRecord, OfAnotherKindIsDamaged) {
  for (const char* const text : {"", "[]", "{}", "null", R"({"kind": "train"})"}) {
    const auto read = ReadJob(1, text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  std::string text = RecordOf(WholeJob());
  text.replace(text.find("failed"), 6, "broken");
  EXPECT_FALSE(ReadJob(17, text).ok());
}

TEST(JobJson, ShowsCallersWhatTheContractSays) {
  const nlohmann::ordered_json json = ToJson(WholeJob());
  EXPECT_EQ(json.at("id"), "17");
  EXPECT_EQ(json.at("key").at("store_id"), 1);
  EXPECT_EQ(json.at("state"), "failed");
  EXPECT_EQ(json.at("progress"), 41.3);
  EXPECT_EQ(json.at("submitted_at"), "2023-11-14T22:13:20.000001Z");
  EXPECT_EQ(json.at("error").at("message"), "disk full");
  EXPECT_FALSE(json.contains("owner"));
  const nlohmann::ordered_json bare = ToJson(JobRecord{.id = 1});
  for (const char* const name : {"key", "progress", "remaining_s", "started_at", "ended_at",
                                 "error", "verdict", "version"}) {
    EXPECT_TRUE(bare.at(name).is_null()) << name;
  }
}

TEST(JobId, IsAPositiveNumberWithoutMore) {
  EXPECT_EQ(JobIdOf("17"), 17U);
  for (const char* const text :
       {"", "0", "017", "-1", "1 ", "1a", "../1", "99999999999999999999"}) {
    EXPECT_FALSE(JobIdOf(text)) << text;
  }
}

TEST(Clipped, EndsBehindAWholeCharacter) {
  EXPECT_EQ(Clipped("abc", 3), "abc");
  EXPECT_EQ(Clipped("abcd", 3), "abc...");
  EXPECT_EQ(Clipped("a\xC3\xA9z", 2), "a...");
}

}  // namespace
}  // namespace forkcast::serving
