#include "model/classify/slice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::Value;
using testing::HasSubstr;

FeatureSpec Feature(const char* name, ColumnType type) {
  FeatureSpec feature;
  feature.name = name;
  feature.type = type;
  return feature;
}

const std::vector<FeatureSpec> kFeatures{
    Feature("spare", ColumnType::kInt64), Feature("price", ColumnType::kDouble),
    Feature("open", ColumnType::kBool), Feature("status", ColumnType::kText),
    Feature("since", ColumnType::kTimestamp)};
const std::vector<Value> kRow{std::int64_t{3}, 2.5, true, std::string_view("OK"), Instant{}};
const std::vector<Value> kNothing(5);

std::vector<SliceSpec> Read(const char* json) {
  const ordered_json document = ordered_json::parse(json);
  return ReadSlices(JsonNode(document, "$.slices"), kFeatures);
}

struct ConditionCase {
  const char* name;
  const char* json;  // of one slice, without its name
  bool contains;
};
class Slices : public testing::TestWithParam<ConditionCase> {};

TEST_P(Slices, HoldTheRowsThatPassAllConditions) {
  const std::string json = std::string("[{\"name\": \"s\", ") + GetParam().json + "}]";
  const auto slices = Read(json.c_str());
  EXPECT_EQ(slices.at(0).Contains(kRow), GetParam().contains);
  EXPECT_FALSE(slices.at(0).Contains(kNothing));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Slices,
    testing::Values(
        ConditionCase{"LessThanItself", R"("feature": "spare", "<": 3)", false},
        ConditionCase{"AtMostItself", R"("feature": "spare", "<=": 3)", true},
        ConditionCase{"EqualToItself", R"("feature": "spare", "==": 3)", true},
        ConditionCase{"UnequalToItself", R"("feature": "spare", "!=": 3)", false},
        ConditionCase{"UnequalToAnother", R"("feature": "spare", "!=": 4)", true},
        ConditionCase{"AtLeastItself", R"("feature": "spare", ">=": 3)", true},
        ConditionCase{"MoreThanItself", R"("feature": "spare", ">": 3)", false},
        ConditionCase{"AnIntegerAgainstAFraction", R"("feature": "spare", ">": 2.9)", true},
        ConditionCase{"InARange", R"("feature": "price", ">=": 2, "<": 3)", true},
        ConditionCase{"OutsideOfARange", R"("feature": "price", ">=": 2, "<": 2.5)", false},
        ConditionCase{"TrueFlag", R"("feature": "open", "==": true)", true},
        ConditionCase{"FalseFlag", R"("feature": "open", "!=": true)", false},
        ConditionCase{"Text", R"("feature": "status", "==": "OK")", true},
        ConditionCase{"OtherText", R"("feature": "status", "!=": "ok")", true},
        ConditionCase{"AllOfTwo",
                      R"("all": [{"feature": "open", "==": true}, {"feature": "spare", ">": 0}])",
                      true},
        ConditionCase{"OneOfTwo",
                      R"("all": [{"feature": "open", "==": true}, {"feature": "spare", ">": 5}])",
                      false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(SliceSpec, TakesNotANumberForMissing) {
  const auto slices = Read(R"([{"name": "s", "feature": "price", "!=": 1}])");
  std::vector<Value> row = kRow;
  row[1] = std::nan("");
  EXPECT_FALSE(slices[0].Contains(row));
}

struct BadSlice {
  const char* name;
  const char* json;
  const char* message;
};
class BadSlices : public testing::TestWithParam<BadSlice> {};

TEST_P(BadSlices, AreRefusedWithTheirPath) {
  try {
    (void)Read(GetParam().json);
    FAIL() << "was read";
  } catch (const SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadSlices,
    testing::Values(
        BadSlice{"UnknownFeature", R"([{"name": "s", "feature": "cost", "<": 1}])",
                 "$.slices[0].feature: no feature is called \"cost\""},
        BadSlice{"NoComparison", R"([{"name": "s", "feature": "spare"}])",
                 "$.slices[0]: expected a comparison"},
        BadSlice{"UnknownComparison", R"([{"name": "s", "feature": "spare", "=": 1}])",
                 "$.slices[0].="},
        BadSlice{"TextForANumber", R"([{"name": "s", "feature": "spare", "<": "1"}])",
                 "$.slices[0].<"},
        BadSlice{"NumberForAText", R"([{"name": "s", "feature": "status", "==": 1}])",
                 "$.slices[0].=="},
        BadSlice{"OrderOfTexts", R"([{"name": "s", "feature": "status", "<": "OK"}])",
                 "$.slices[0].<: a text is compared by == and != alone"},
        BadSlice{"Timestamp", R"([{"name": "s", "feature": "since", "<": 1}])",
                 "$.slices[0].feature: feature \"since\" is a timestamp"},
        BadSlice{"NameTwice",
                 R"([{"name": "s", "feature": "spare", "<": 1},
                     {"name": "s", "feature": "spare", ">": 1}])",
                 "$.slices[1].name: given twice"},
        BadSlice{"NoCondition", R"([{"name": "s", "all": []}])",
                 "$.slices[0].all: expected at least one condition"},
        BadSlice{"ConditionBesideAll",
                 R"([{"name": "s", "all": [{"feature": "spare", "<": 1}], "feature": "open"}])",
                 "$.slices[0].feature"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
