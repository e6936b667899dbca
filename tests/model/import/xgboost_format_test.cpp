#include "model/import/xgboost_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/import/prediction_form.hpp"
#include "model/tree/linear_forest.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

/// A gblinear of two features: 0.5 (base_score) + 0.25 + 2 price - stock.
constexpr std::string_view kLine = R"({"version": [3, 2, 0], "learner": {
  "attributes": {}, "feature_names": ["price", "stock"], "feature_types": ["float", "float"],
  "gradient_booster": {"name": "gblinear", "model": {"boosted_rounds": 6, "weights": [2E0, -1E0, 2.5E-1]}},
  "learner_model_param": {"base_score": "[5E-1]", "num_class": "0", "num_feature": "2", "num_target": "1"},
  "objective": {"name": "reg:squarederror"}}})";

/// The model with another value at a place.
std::string Changed(const char* place, std::string_view value) {
  ordered_json model = ordered_json::parse(kLine);
  model[ordered_json::json_pointer(place)] = ordered_json::parse(value);
  return model.dump();
}

std::vector<double> AnswerOf(const ImportedModel& model, const std::vector<float>& row) {
  const LinearForest forest(*model.linear);
  std::vector<double> answer(forest.outputs().size());
  forest.Predict(row, answer);
  return answer;
}

TEST(XGBoostFormat, ReadsALinearBooster) {
  const Result<ImportedModel> model = ImportXGBoost(kLine, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_TRUE(model->linear);
  EXPECT_TRUE(model->has_input_names);
  EXPECT_THAT(model->forest.features, ElementsAre("price", "stock"));
  EXPECT_FALSE(model->can_explain);
  EXPECT_THAT(AnswerOf(*model, {3, 1}), ElementsAre(5.75));
}

TEST(XGBoostFormat, LeavesOutMissingNumbersOfALinearBooster) {
  const Result<ImportedModel> model = ImportXGBoost(kLine, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(AnswerOf(*model, {std::nanf(""), 1}), ElementsAre(-0.25));
  EXPECT_THAT(AnswerOf(*model, {std::nanf(""), std::nanf("")}), ElementsAre(0.75));
}

TEST(XGBoostFormat, PredictsTheSecondOfTwoClassesOfALinearBooster) {
  const Result<ImportedModel> model =
      ImportXGBoost(Changed("/learner/objective/name", R"("binary:logistic")"), Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(PredictionFormOf(*model, /*labels=*/false),
            PredictionForm{{.outputs = {"probability.1"}}});
}

TEST(XGBoostFormat, ReadsTheWeightsOfSeveralClassesFeatureByFeature) {
  ordered_json document = ordered_json::parse(kLine);
  ordered_json& learner = document["learner"];
  learner["objective"]["name"] = "multi:softprob";
  learner["learner_model_param"]["num_class"] = "3";
  // As XGBoost 3.2 does, which adds the first one to the margins of all classes.
  learner["learner_model_param"]["base_score"] = "[5E-1,-1E0,7E0]";
  learner["gradient_booster"]["model"]["weights"] = {1, 2, 3, 10, 20, 30, 0, 0, 1};
  const Result<ImportedModel> model = ImportXGBoost(document.dump(), Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_TRUE(std::holds_alternative<ClassAnswer>(model->answer));
  const LinearForestSource& linear = *model->linear;
  ASSERT_EQ(linear.trees.size(), 3U);
  EXPECT_EQ(linear.trees[2].margin, 2U);
  EXPECT_EQ(linear.trees[2].leaves[0].constant, 1.5);
  EXPECT_EQ(linear.trees[2].leaves[0].terms[1].coefficient, 30);
}

TEST(XGBoostFormat, GoesThroughTheLinkOfALinearBooster) {
  const Result<ImportedModel> model =
      ImportXGBoost(Changed("/learner/objective/name", R"("count:poisson")"), Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  const float margin = 0.25F + std::log(0.5F);
  EXPECT_THAT(AnswerOf(*model, {0, 0}), ElementsAre(double{std::exp(margin)}));
}

TEST(XGBoostFormat, HasNoBestRoundOfALinearBooster) {
  EXPECT_THAT(ImportXGBoost(kLine, Rounds::kBest).error().message,
              HasSubstr("gblinear has one model, whatever its rounds"));
}

struct RefusedCase {
  const char* name;
  const char* place;
  std::string_view value;
  std::string_view error;
  friend std::ostream& operator<<(std::ostream& out, const RefusedCase& one) {
    return out << one.name;
  }
};

class RefusedLine : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedLine, IsRefusedWithItsReason) {
  const auto model = ImportXGBoost(Changed(GetParam().place, GetParam().value), Rounds::kAll);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().error));
}

constexpr const char* kWeights = "/learner/gradient_booster/model/weights";
INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedLine,
    testing::Values(
        RefusedCase{"OfTooFewWeights", kWeights, "[1, 2]", "weights: 2 numbers, expected 3"},
        RefusedCase{"OfTooManyWeights", kWeights, "[1, 2, 3, 4]", "weights: 4 numbers, expected 3"},
        RefusedCase{"OfAWeightThatIsNone", kWeights, "[1, null, 3]", "expected finite numbers"},
        RefusedCase{"OfABiasBeyondAll", "/learner", R"({"feature_names": ["a"],
          "gradient_booster": {"name": "gblinear", "model": {"weights": [1, 3e38]}},
          "learner_model_param": {"base_score": "3e38", "num_feature": "1"},
          "objective": {"name": "reg:squarederror"}})",
                    "a bias that is no finite number"},
        RefusedCase{"OfALaterMajorVersion", "/version", "[4, 0, 0]", "version: 4.0.0"},
        RefusedCase{"OfAnUnknownObjective", "/learner/objective/name", R"("reg:new")",
                    "objective: \"reg:new\""}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
