#include "serving/jobs/job_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

constexpr const char* kSummary = "some text\n{\"version\": 7, \"promoted\": true}\n";

TEST(OutcomeOf, ACommandThatIsDoneHasItsSummary) {
  const JobOutcome outcome = OutcomeOf({.killed = false, .code = 0}, kSummary, "", false);
  EXPECT_EQ(outcome.state, JobState::kSucceeded);
  EXPECT_EQ(outcome.version, 7U);
  EXPECT_EQ(outcome.verdict, R"({"version":7,"promoted":true})");
}

TEST(OutcomeOf, AVersionThatWasNotPromotedIsAnAnswerToo) {
  const JobOutcome outcome = OutcomeOf({.killed = false, .code = 4}, kSummary, "", false);
  EXPECT_EQ(outcome.state, JobState::kSucceeded);
}

TEST(OutcomeOf, ACommandThatFailsSaysWhyInItsLastLine) {
  const JobOutcome outcome =
      OutcomeOf({.killed = false, .code = 5}, "", "forkcast train: models: No space left", false);
  EXPECT_EQ(outcome.state, JobState::kFailed);
  EXPECT_EQ(outcome.error->code, "io");
  EXPECT_EQ(outcome.error->message, "forkcast train: models: No space left");
  EXPECT_FALSE(outcome.version);
}

TEST(OutcomeOf, WhatIsWrongWithAFlagIsWrongWithTheMemberOfTheOrder) {
  const auto field = [](const char* last_words) {
    return OutcomeOf({.killed = false, .code = 2}, "", last_words, false).error->field;
  };
  EXPECT_EQ(field("forkcast train: --only-key: series \"daily\" has no key \"[9]\""), "key");
  EXPECT_EQ(field("forkcast predict: --origin expects a time"), "origin");
  EXPECT_EQ(field("forkcast predict: --skip-refused: no"), "skip_refused");
  EXPECT_EQ(field("forkcast train: models: -- no space left"), "");
  EXPECT_EQ(field("training: 5 %: --"), "");
}

TEST(OutcomeOf, ACommandThatSaysNothingHasItsCode) {
  const JobOutcome outcome = OutcomeOf({.killed = false, .code = 3}, "", "", false);
  EXPECT_EQ(outcome.error->code, "data_unfit");
  EXPECT_THAT(outcome.error->message, HasSubstr("code 3"));
}

TEST(OutcomeOf, ACommandThatTheKernelKillsMayHaveWantedTooMuchMemory) {
  const JobOutcome outcome = OutcomeOf({.killed = true, .code = SIGKILL}, "", "", false);
  EXPECT_EQ(outcome.error->code, "killed");
  EXPECT_THAT(outcome.error->message, HasSubstr("memory"));
}

TEST(OutcomeOf, WhatWasToldToEndIsStoppedUnlessItWasDone) {
  EXPECT_EQ(OutcomeOf({.killed = false, .code = 143}, "", "stopped", true).state,
            JobState::kStopped);
  EXPECT_EQ(OutcomeOf({.killed = true, .code = SIGKILL}, "", "", true).state, JobState::kStopped);
  EXPECT_EQ(OutcomeOf({.killed = false, .code = 0}, kSummary, "", true).state,
            JobState::kSucceeded);
}

TEST(ReadProgress, IsAShareOfAStage) {
  const auto progress =
      ReadProgress(R"({"stage": "folds", "done": 1, "total": 4, "remaining_s": 6.5})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(*progress, (JobProgress{.percent = 25, .doing = "folds", .remaining_s = 6.5}));
  EXPECT_FALSE(ReadProgress(R"({"stage": "x", "done": 1, "total": 0})")->percent);
  for (const char* const text :
       {"", "[]", R"({"done": 1})", R"({"stage": 1, "done": 1, "total": 1})"}) {
    EXPECT_FALSE(ReadProgress(text)) << text;
  }
}

}  // namespace
}  // namespace forkcast::serving
