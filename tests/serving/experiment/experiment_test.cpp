#include "serving/experiment/experiment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using testing::HasSubstr;

ExperimentPlan Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadExperimentPlan(JsonNode(json, "$.challenger"), "sales");
}

TEST(AnExperimentPlan, IsReadWithItsDefaults) {
  EXPECT_EQ(Read(R"({"version": "2", "shadow": 0.1})"),
            (ExperimentPlan{.deployment = "sales",
                            .challenger = "2",
                            .mode = ExperimentMode::kShadow,
                            .share = 0.1}));
}

TEST(AnExperimentPlan, IsReadWhole) {
  ExperimentPlan expected{.deployment = "sales",
                          .challenger = "new.json",
                          .is_pipeline = true,
                          .mode = ExperimentMode::kCanary,
                          .share = 0.05,
                          .compare = "value",
                          .key = {"shop", "product"},
                          .end = {.confidence = 0.99, .max_failures = 0.02, .max_slowdown = 3}};
  expected.end.max_difference = 4.5;
  const ExperimentPlan plan = Read(
      R"({"pipeline": "new.json", "canary": 0.05, "compare": "value", "key": ["shop", "product"],
          "end": {"confidence": 0.99, "max_failures": 0.02, "max_slowdown": 3,
                  "max_difference": 4.5}})");
  EXPECT_EQ(plan, expected);
  EXPECT_EQ(Read(ToJson(plan).dump()), expected);
}

struct BadPlan {
  const char* name;
  const char* text;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const BadPlan& one) { return out << one.text; }
};

class AWrongPlan : public testing::TestWithParam<BadPlan> {};

TEST_P(AWrongPlan, IsRefusedSayingWhere) {
  try {
    Read(GetParam().text);
    FAIL() << "read";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AWrongPlan,
    testing::Values(
        BadPlan{"OfNothing", R"({"shadow": 0.1})",
                "$.challenger: expected either \"version\" or \"pipeline\""},
        BadPlan{"OfBoth", R"({"version": "2", "pipeline": "p", "shadow": 0.1})",
                "expected either \"version\" or \"pipeline\""},
        BadPlan{"WithoutMode", R"({"version": "2"})",
                "expected either \"shadow\" or \"canary\", with the share of the requests"},
        BadPlan{"OfBothModes", R"({"version": "2", "shadow": 0.1, "canary": 0.1})",
                "expected either \"shadow\" or \"canary\""},
        BadPlan{"OfAShareInPercent", R"({"version": "2", "shadow": 10})", "$.challenger.shadow"},
        BadPlan{"OfAnUnknownGuard", R"({"version": "2", "shadow": 0.1, "end": {"max": 1}})",
                "$.challenger.end"},
        BadPlan{"OfNoConfidence", R"({"version": "2", "shadow": 0.1, "end": {"confidence": 0}})",
                "$.challenger.end.confidence"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Experiments, AreTheSameReadBack) {
  Experiment one{.id = 7,
                 .plan = Read(R"({"version": "2", "canary": 0.125, "key": ["shop"]})"),
                 .state = ExperimentState::kEnded,
                 .reason = "it \"differs\"",
                 .begun = FromMicros(1'700'000'000'000'000),
                 .champion = "1",
                 .champion_place = "sales@champion",
                 .challenger = "2",
                 .challenger_place = "sales@2"};
  one.before.champion.requests = 12;
  one.before.difference.Add(0.1);
  one.before.difference.Add(-0.7);
  Experiment other{.id = 8, .plan = Read(R"({"version": "3", "shadow": 1})")};
  const auto read = ParseExperiments(ToText({one, other}));
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().plan, one.plan);
  EXPECT_EQ(read->front().state, one.state);
  EXPECT_EQ(read->front().reason, one.reason);
  EXPECT_EQ(read->front().begun, one.begun);
  EXPECT_EQ(read->front().champion_place, one.champion_place);
  EXPECT_EQ(read->front().challenger, one.challenger);
  EXPECT_EQ(read->front().before, one.before);
  EXPECT_EQ(read->back().id, 8U);
  EXPECT_TRUE(read->back().is_running());
}

TEST(Experiments, ThatAreNoDocumentAreCorrupt) {
  EXPECT_EQ(ParseExperiments("{").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ParseExperiments(R"([{"id": 1}])").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace forkcast::serving
