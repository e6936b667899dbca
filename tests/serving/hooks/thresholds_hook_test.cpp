#include "serving/hooks/thresholds_hook.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/hook_testing.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::Table;
using preprocessing::TempFolder;
using preprocessing::Value;
using testing::ElementsAre;
using testing::IsEmpty;

ThresholdsHook::Settings Read(std::string_view settings) {
  const auto json = preprocessing::ParseJson(settings);
  return ThresholdsHook::ReadSettings(JsonNode(json, "$.hooks[0]"));
}

// Requests of two fields, "quantity" and "state"; row 1 of three could not be decoded.
class ThresholdsHookTest : public testing::Test {
 protected:
  ThresholdsHookTest() {
    rows_.column(0).AppendInt64(5);
    rows_.column(0).AppendInt64(900);
    rows_.column(1).AppendText("open");
    rows_.column(1).AppendMissing();
    sample_.invocation.deployment = "triage";
    sample_.invocation.rows = {.fields = &rows_, .row_numbers = numbers_};
  }
  ThresholdsHook& Hook(std::string_view settings) {
    hook_ = std::make_unique<ThresholdsHook>(Read(settings), context_);
    return *hook_;
  }

  Table rows_{
      preprocessing::Schema{{{.name = "quantity", .type = ColumnType::kInt64},
                             {.name = "state", .type = ColumnType::kText, .nullable = true}}}};
  std::vector<std::size_t> numbers_{0, 2};
  LogLines lines_;
  WorkerSlot slot_;
  ManualClock clock_;
  HookContext context_{.log = lines_.log(), .slot = slot_, .clock = clock_};
  SampleInvocation sample_;
  Remarks remarks_;
  std::unique_ptr<ThresholdsHook> hook_;
};

TEST_F(ThresholdsHookTest, RejectsRowsNamingFieldValueAndBound) {
  ThresholdsHook& hook = Hook(
      R"({"type":"thresholds","action":"reject",
          "fields":{"quantity":{"max":500},"state":{"nullable":false}}})");
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kReject);
  ASSERT_EQ(remarks_.refused_rows.size(), 2U);
  EXPECT_EQ(remarks_.refused_rows[0].row, 2U);
  EXPECT_EQ(remarks_.refused_rows[0].error,
            (Error{ErrorCode::kRejected, "got 900, expected at most 500", "quantity"}));
  EXPECT_EQ(remarks_.refused_rows[1].error,
            (Error{ErrorCode::kRejected, "there is no value, expected one", "state"}));
}

TEST_F(ThresholdsHookTest, FlagsRowsWithColumnAndBound) {
  ThresholdsHook& hook = Hook(
      R"({"type":"thresholds","action":"flag","features":{"inventory":{"min":10},
          "payment":{"allowed":["OK"]}},"outputs":{"class":{"allowed":["Cancel"]}}})");
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kGoOn);
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
  const std::vector<std::string> names{"class"};
  const std::vector<Value> values{Value(std::string_view("Deliver"))};
  sample_.invocation.outputs = {.names = names, .values = values, .row_numbers = sample_.rows};
  EXPECT_EQ(hook.OnOutputs(sample_.view(), remarks_), Verdict::kFlag);
  EXPECT_THAT(remarks_.flags, ElementsAre(Remarks::Flag{.row = 0, .text = "inventory.min"},
                                          Remarks::Flag{.row = 0, .text = "class.allowed"}));
  EXPECT_THAT(remarks_.refused_rows, IsEmpty());
}

TEST_F(ThresholdsHookTest, CountsByDefaultAndTellsTheLogAtMostOnceInTenSeconds) {
  ThresholdsHook& hook = Hook(R"({"type":"thresholds","fields":{"quantity":{"max":500}}})");
  hook.OnTick(clock_.Monotonic());
  EXPECT_EQ(hook.OnRows(sample_.view(), remarks_), Verdict::kGoOn);
  EXPECT_THAT(remarks_.flags, IsEmpty());
  hook.OnTick(clock_.Monotonic());
  hook.OnRows(sample_.view(), remarks_);
  hook.OnRows(sample_.view(), remarks_);
  clock_.Advance(std::chrono::seconds(9));
  hook.OnTick(clock_.Monotonic());
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning threshold_broken rule="quantity.max" times=1)"));
  clock_.Advance(std::chrono::seconds(1));
  hook.OnTick(clock_.Monotonic());
  hook.OnTick(clock_.Monotonic());
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning threshold_broken rule="quantity.max" times=1)",
                          R"(warning threshold_broken rule="quantity.max" times=2)"));
}

TEST_F(ThresholdsHookTest, CountsForPrometheusByDeploymentAndRule) {
  TestSeries series;
  context_.series = &series.writer;
  const std::string settings =
      R"({"type":"thresholds","fields":{"quantity":{"max":500},"state":{"nullable":false}}})";
  ThresholdsHook hook(Read(settings), context_);
  hook.OnRows(sample_.view(), remarks_);
  hook.OnRows(sample_.view(), remarks_);
  sample_.invocation.deployment = "other_one";
  hook.OnRows(sample_.view(), remarks_);
  std::vector<std::string> counted;
  for (const SeriesSum& sum : SumSeries(series.blocks())) {
    counted.push_back(fmt::format("{} {}", sum.labels, sum.cells.front()));
  }
  EXPECT_THAT(counted, ElementsAre(R"(deployment="other_one",rule="quantity.max" 1)",
                                   R"(deployment="other_one",rule="state.null" 1)",
                                   R"(deployment="triage",rule="quantity.max" 2)",
                                   R"(deployment="triage",rule="state.null" 2)"));
}

/// A version whose training rows had so many pieces at most.
std::shared_ptr<const model::DriftReference> VersionWith(double most) {
  return std::make_shared<const model::DriftReference>(
      "v", std::vector<model::ColumnBins>(),
      preprocessing::Constraints{
          .features = {{.column = "inventory", .max = most, .path = "$.features.inventory"}}});
}

TEST_F(ThresholdsHookTest, TakesTheRulesOfTheVersionThatAnswers) {
  ThresholdsHook& hook =
      Hook(R"({"type":"thresholds","version_constraints":true,"action":"flag"})");
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn) << "no version, no rules";
  const auto narrow = VersionWith(5);
  sample_.invocation.drift_reference = narrow.get();
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
  const auto wide = VersionWith(50);  // is swapped in
  sample_.invocation.drift_reference = wide.get();
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn);
  sample_.invocation.deployment = "other_one";
  sample_.invocation.drift_reference = narrow.get();
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
}

TEST_F(ThresholdsHookTest, PrefersItsOwnRulesToThoseOfTheVersion) {
  ThresholdsHook& hook = Hook(
      R"({"type":"thresholds","version_constraints":true,"action":"flag",
          "features":{"inventory":{"max":100}}})");
  const auto narrow = VersionWith(5);
  sample_.invocation.drift_reference = narrow.get();
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn);
}

TEST_F(ThresholdsHookTest, TellsTheLogWhatBrokeTheRulesOfAVersionThatIsGone) {
  ThresholdsHook& hook = Hook(R"({"type":"thresholds","version_constraints":true})");
  const auto narrow = VersionWith(5);
  sample_.invocation.drift_reference = narrow.get();
  hook.OnFeatures(sample_.view(), remarks_);
  const auto wide = VersionWith(50);
  sample_.invocation.drift_reference = wide.get();
  hook.OnFeatures(sample_.view(), remarks_);
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning threshold_broken rule="inventory.max" times=1)"));
}

TEST_F(ThresholdsHookTest, TellsTheLogWhatIsLeftAtTheEnd) {
  ThresholdsHook& hook = Hook(R"({"type":"thresholds","fields":{"quantity":{"max":500}}})");
  hook.OnRows(sample_.view(), remarks_);
  hook.OnDrain();
  EXPECT_THAT(lines_.lines(),
              ElementsAre(R"(warning threshold_broken rule="quantity.max" times=1)"));
}

TEST_F(ThresholdsHookTest, FindsColumnsWhereAnotherVersionHasThem) {
  ThresholdsHook& hook =
      Hook(R"({"type":"thresholds","action":"flag","features":{"inventory":{"min":10}}})");
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
  sample_.names = {"payment", "inventory"};
  sample_.values = {std::string_view("OK"), std::int64_t{9}};
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
  sample_.values = {std::string_view("OK"), std::int64_t{10}};
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn);
  sample_.names = {"payment", "stock"};
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kGoOn);
}

TEST_F(ThresholdsHookTest, AllocatesNothingWhereNoRuleIsBroken) {
  ThresholdsHook& hook = Hook(
      R"({"type":"thresholds","action":"reject","fields":{"quantity":{"max":5000}},
          "features":{"inventory":{"min":1},"payment":{"allowed":["OK"]}}})");
  const Invocation& invocation = sample_.view();
  hook.OnRows(invocation, remarks_);
  hook.OnFeatures(invocation, remarks_);
  const std::size_t before = AllocationCount();
  EXPECT_EQ(hook.OnRows(invocation, remarks_), Verdict::kGoOn);
  EXPECT_EQ(hook.OnFeatures(invocation, remarks_), Verdict::kGoOn);
  EXPECT_EQ(AllocationCount(), before);
}

TEST_F(ThresholdsHookTest, WhatTheConfigurationSaysTakesThePlaceOfWhatTheFileSays) {
  const TempFolder folder;
  const auto file = folder.Write("constraints.json",
                                 R"({"format":"forkcast.constraints","format_version":1,
          "features":{"inventory":{"min":100},"payment":{"allowed":["FAILED"]}}})");
  ThresholdsHook& hook = Hook(R"({"type":"thresholds","action":"flag","constraints":")" +
                              file.string() + R"(","features":{"inventory":{"min":1}}})");
  EXPECT_EQ(hook.OnFeatures(sample_.view(), remarks_), Verdict::kFlag);
  EXPECT_THAT(remarks_.flags, ElementsAre(Remarks::Flag{.row = 0, .text = "payment.allowed"}));
}

TEST(ThresholdsSettings, MustHaveRules) {
  try {
    static_cast<void>(Read(R"({"type":"thresholds","action":"flag"})"));
    FAIL() << "they were taken";
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(),
                 "$.hooks[0]: expected rules: a \"constraints\" file, or \"fields\", \"features\" "
                 "or \"outputs\"");
  }
}

TEST(ThresholdsSettings, MustFitWhatIsServed) {
  const std::vector<HookColumn> features{{"inventory", ColumnType::kInt64},
                                         {"payment", ColumnType::kText}};
  const HookSubject subject{
      .deployment = "triage", .fields = {}, .features = features, .outputs = {}};
  const auto fit = [&](std::string_view rules) {
    const Status status = ThresholdsHook::Fit(
        Read(R"({"type":"thresholds","features":)" + std::string(rules) + "}"), subject);
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(fit(R"({"inventory":{"min":1}})"), "");
  EXPECT_EQ(fit(R"({"inventor":{"min":1}})"),
            "$.hooks[0].features.inventor: there is no feature \"inventor\"; did you mean "
            "\"inventory\"?; there are: inventory, payment (of deployment triage)");
  EXPECT_EQ(fit(R"({"payment":{"min":1}})"),
            "$.hooks[0].features.payment: feature \"payment\" is of type text: bounds of numbers "
            "do not fit it (of deployment triage)");
}

}  // namespace
}  // namespace forkcast::serving
