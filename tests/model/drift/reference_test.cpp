#include "model/drift/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "model/drift/reference_statistics.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecErrorOf;
using testing::HasSubstr;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

Reference Read(const std::string& text) {
  const auto json = ordered_json::parse(text);
  return Reference::FromJson(JsonNode(json));
}

TEST(ReferenceStatistics, OfNumbersLeaveMissingOnesOut) {
  const std::array<float, 6> values{1, kMissing, 2, 3, 4, kMissing};
  const ordered_json reference = ReferenceOf(values);
  EXPECT_EQ(reference["rows"], 6);
  EXPECT_EQ(reference["missing"], 2);
  EXPECT_EQ(reference["mean"], 2.5);
  EXPECT_NEAR(reference["std"].get<double>(), 1.2909944, 1e-6);
  EXPECT_EQ(reference["min"], 1);
  EXPECT_EQ(reference["max"], 4);
  EXPECT_EQ(reference["edges"].size(), 9U);
  EXPECT_EQ(reference["counts"].size(), 10U);
}

TEST(ReferenceStatistics, OfOneNumberHaveNoDeviation) {
  const std::array<float, 1> values{7};
  EXPECT_EQ(
      ReferenceOf(values).dump(),
      R"({"rows":1,"missing":0,"mean":7.0,"min":7.0,"max":7.0,"edges":[7.0],"counts":[0,1]})");
}

TEST(ReferenceStatistics, OfNothingCountAlone) {
  const std::array<float, 1> values{kMissing};
  EXPECT_EQ(ReferenceOf(values), ordered_json({{"rows", 1}, {"missing", 1}}));
}

/// Probabilities of a class that half of the rows are, as ten models gave them to 500 rows each.
/// `differs`: what a model, by its number, adds to those of every other row.
std::vector<std::vector<float>> AnswersOfModels(float (*differs)(std::size_t model)) {
  std::vector<std::vector<float>> by_model;
  for (std::size_t model = 0; model < 10; ++model) {
    std::vector<float>& answers = by_model.emplace_back();
    for (std::size_t row = 0; row < 500; ++row) {
      const auto spread = static_cast<float>(row * 37 % 100) / 400;
      answers.push_back(row % 2 == 0 ? 0.1F + spread + differs(model) : 0.6F + spread);
    }
  }
  return by_model;
}
constexpr double kHalf = 0.5;

TEST(ReferenceStatistics, OfProbabilitiesAreThoseOfAllWhereModelsAgree) {
  const auto by_model = AnswersOfModels([](std::size_t) { return 0.0F; });
  std::vector<float> all;
  for (const auto& answers : by_model) all.insert(all.end(), answers.begin(), answers.end());
  EXPECT_EQ(ReferenceOfProbability(by_model, kHalf), ReferenceOf(all));
}

TEST(ReferenceStatistics, OfProbabilitiesHaveNoEdgeWhereModelsDiffer) {
  const ordered_json reference = ReferenceOfProbability(
      AnswersOfModels([](std::size_t model) { return 0.02F * static_cast<float>(model); }), kHalf);
  EXPECT_GE(reference["edges"].size(), 4U);
  EXPECT_EQ(reference["counts"].size(), reference["edges"].size() + 1);
  for (const ordered_json& edge : reference["edges"]) EXPECT_GE(edge, 0.54F);  // above these rows
}

TEST(ReferenceStatistics, OfProbabilitiesAreSureBeyondATenthOfTheShare) {
  std::vector<std::vector<float>> by_model(1);
  for (int row = 0; row < 100; ++row) {
    by_model[0].push_back(row < 55 ? 0.0001F * static_cast<float>(row % 9) : 0.9997F);
  }
  const ordered_json reference = ReferenceOfProbability(by_model, kHalf);
  EXPECT_THAT(reference["edges"], testing::ElementsAre(0.05, 0.95));
  EXPECT_EQ(reference["counts"], ordered_json({55, 0, 45}));
}

TEST(ReferenceStatistics, OfProbabilitiesThatAreAllTheSameHaveOneEdge) {
  const std::vector<std::vector<float>> by_model(3, std::vector<float>(20, 0.5F));
  const ordered_json reference = ReferenceOfProbability(by_model, kHalf);
  EXPECT_THAT(reference["edges"], testing::ElementsAre(0.5));
  EXPECT_EQ(reference["counts"], ordered_json({0, 60}));
}

TEST(ReferenceStatistics, OfProbabilitiesLeaveModelsOutThatAnsweredNothing) {
  const std::vector<std::vector<float>> by_model{{0.25F, 0.5F, kMissing}, {}, {kMissing}};
  const ordered_json reference = ReferenceOfProbability(by_model, kHalf);
  EXPECT_EQ(reference["rows"], 4);
  EXPECT_EQ(reference["missing"], 2);
}

TEST(Reference, IsReadBackAsItWasWritten) {
  const Reference written{.features = {{"price", {{"rows", 3}}}},
                          .outputs = {{"value", {{"rows", 2}}}}};
  const ordered_json json = written.ToJson();
  EXPECT_EQ(Reference::FromJson(JsonNode(json)), written);
}

TEST(Reference, OfAForecastOfBeforeHasItsForecastsAsValue) {
  const Reference read = Read(R"({"features": {"a": {"rows": 1}}, "forecasts": {"rows": 4}})");
  EXPECT_EQ(read.features["a"]["rows"], 1);
  EXPECT_EQ(read.outputs, ordered_json({{"value", {{"rows", 4}}}}));
}

TEST(Reference, OfAClassifierOfBeforeHasCountsInPlaceOfShares) {
  const Reference read = Read(
      R"({"features": {}, "predicted_shares": {"no": 0.75, "yes": 0.25}, "probability": {"rows": 8}})");
  EXPECT_EQ(read.outputs["class"]["categories"], ordered_json({{"no", 6}, {"yes", 2}}));
  EXPECT_EQ(read.outputs["class"]["rows"], 8);
  EXPECT_EQ(read.outputs["probability"]["rows"], 8);
}

struct BadCase {
  const char* name;
  const char* text;
  const char* message;
};
class BadReference : public testing::TestWithParam<BadCase> {};

TEST_P(BadReference, IsToldWithItsPath) {
  EXPECT_THAT(SpecErrorOf([] { static_cast<void>(Read(GetParam().text)); }),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadReference,
    testing::Values(
        BadCase{"NoObject", "[]", "expected an object"},
        BadCase{"NoFeatures", R"({"forecasts": {}})", "features"},
        BadCase{"NeitherOfBeforeNorOfNow", R"({"features": {}})", "missing key \"format\""},
        BadCase{"AShareThatIsNone",
                R"({"features": {}, "predicted_shares": {"a": 2}, "probability": {"rows": 1}})",
                "$.predicted_shares.a"},
        BadCase{
            "OfLaterDays",
            R"({"format": "forkcast.reference", "format_version": 2, "features": {}, "outputs": {}})",
            "$.format_version"},
        BadCase{"OfAnotherFormat",
                R"({"format": "x", "format_version": 1, "features": {}, "outputs": {}})",
                "$.format: expected forkcast.reference"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
