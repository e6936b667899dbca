#include "model/import/lightgbm_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/linear_forest.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::Value;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// As LightGBM 4 writes it, but for what is passed over: a tree of two tests, the second of
/// categories, and one of a leaf.
constexpr std::string_view kSmall = R"(tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=price kind
feature_infos=[-1:1] 0:1:3
tree_sizes=1 2

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=1 1
threshold=0.1 0
decision_type=2 1
left_child=-1 -2
right_child=1 -3
leaf_value=1 20 300
leaf_weight=1 1 1
leaf_count=5 3 2
internal_value=0 0
internal_weight=1 1
internal_count=10 5
cat_boundaries=0 1
cat_threshold=9
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
split_feature=
split_gain=
threshold=
decision_type=
left_child=
right_child=
leaf_value=0.5
leaf_weight=
leaf_count=
internal_value=
internal_weight=
internal_count=
is_linear=0
shrinkage=1


end of trees

feature_importances:
price=1

parameters:
[objective: regression]
end of parameters

pandas_categorical:null
)";

/// One change of the small model's text.
struct Change {
  const char* name;
  std::string_view from;  ///< What is replaced, everywhere.
  std::string_view to;
};

std::string Changed(const Change& change) {
  std::string text(kSmall);
  std::size_t at = text.find(change.from);
  EXPECT_NE(at, std::string::npos) << change.from;
  for (; at != std::string::npos; at = text.find(change.from, at + change.to.size())) {
    text.replace(at, change.from.size(), change.to);
  }
  return text;
}

/// What a row of the two features is answered.
double AnswerTo(const ImportedModel& model, std::vector<Value> row) {
  const auto json = TransformsJson(model.inputs);
  const FittedTransforms transforms = FittedTransforms::FromJson(JsonNode(json));
  std::vector<float> inputs(transforms.outputs().size());
  const std::vector<std::size_t> positions{0, 1};
  EXPECT_TRUE(transforms.TransformRow(row, positions, inputs));
  if (model.linear) {
    const LinearForest forest(*model.linear);
    std::vector<double> answer(forest.outputs().size());
    forest.Predict(inputs, answer);
    return answer[0];
  }
  const Result<Forest> forest = Forest::FromBytes(CompileForest(model.forest));
  EXPECT_TRUE(forest) << forest.error().message;
  std::vector<double> answer(forest->outputs().size());
  forest->Predict(inputs, answer);
  return answer[0];
}

TEST(LightGbmFormat, ReadsTreesAsTheyAreMeant) {
  const Result<ImportedModel> model = ImportLightGbm(kSmall, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->format_version, "v4");
  EXPECT_EQ(model->objective, "regression");
  EXPECT_TRUE(model->has_input_names);
  EXPECT_THAT(model->forest.features, ElementsAre("price", "kind"));
  EXPECT_EQ(model->forest.trees.size(), 2U);
  EXPECT_THAT(model->forest.doubles->leaf_values, testing::UnorderedElementsAre(1, 20, 300, 0.5));
  EXPECT_THAT(model->notes, ElementsAre());
}

TEST(LightGbmFormat, TakesTheEndsOfLinesOfWindows) {
  EXPECT_TRUE(ImportLightGbm(Changed({"", "\n", "\r\n"}), Rounds::kAll));
}

/// A row, and what it is answered by a model.
struct RowCase {
  const char* name;
  Change change;
  Value price;
  Value kind;
  double answer;

  friend std::ostream& operator<<(std::ostream& out, const RowCase& one) { return out << one.name; }
};

class RowOfTheSmallModel : public testing::TestWithParam<RowCase> {};

TEST_P(RowOfTheSmallModel, IsAnsweredAsLightGbmDoes) {
  const std::string text = Changed(GetParam().change);
  const Result<ImportedModel> model = ImportLightGbm(text, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {GetParam().price, GetParam().kind}), GetParam().answer);
}

constexpr Change kAsItIs{"", "objective=regression", "objective=regression"};
constexpr Change kNanIsMissing{"", "decision_type=2 1", "decision_type=8 1"};
constexpr Change kNanGoesLeft{"", "decision_type=2 1", "decision_type=10 1"};
constexpr Change kZeroIsMissing{"", "decision_type=2 1", "decision_type=4 1"};
constexpr Change kNegativeThreshold{"", "threshold=0.1 0", "threshold=-0.1 0"};
constexpr Change kTexts{"", "pandas_categorical:null",
                        R"(pandas_categorical:[["pear", "apple", "fig", "kiwi"]])"};
constexpr Change kNumbers{"", "pandas_categorical:null", "pandas_categorical:[[7, 5, 6, 40]]"};

INSTANTIATE_TEST_SUITE_P(
    Cases, RowOfTheSmallModel,
    testing::Values(
        RowCase{"BelowTheThreshold", kAsItIs, 0.0, 0.0, 1.5},
        RowCase{"OnTheThreshold", kAsItIs, 0.1, 0.0, 1.5},
        RowCase{"ADoubleAboveTheThreshold", kAsItIs, std::nextafter(0.1, 1.0), 0.0, 20.5},
        RowCase{"AnIntegerAbove", kAsItIs, std::int64_t{1}, 0.0, 20.5},
        RowCase{"ABoolAbove", kAsItIs, true, 0.0, 20.5},
        RowCase{"InfinitelyAbove", kAsItIs, std::numeric_limits<double>::infinity(), 0.0, 20.5},
        RowCase{"InfinitelyBelow", kAsItIs, -std::numeric_limits<double>::infinity(), 0.0, 1.5},
        RowCase{"OfACategoryThatIsNotInTheSet", kAsItIs, 1.0, 1.0, 300.5},
        RowCase{"OfTheLastCategoryOfTheSet", kAsItIs, 1.0, 3.0, 20.5},
        RowCase{"OfACategoryWithAFraction", kAsItIs, 1.0, 3.9, 20.5},
        RowCase{"OfACategoryThatIsCutToZero", kAsItIs, 1.0, -0.5, 20.5},
        RowCase{"OfANegativeCategory", kAsItIs, 1.0, -1.0, 300.5},
        RowCase{"OfACategoryBeyondAll", kAsItIs, 1.0, 1e12, 300.5},
        RowCase{"OfAMissingCategory", kAsItIs, 1.0, Value(), 300.5},
        RowCase{"WhoseMissingNumberIsZero", kAsItIs, Value(), 0.0, 1.5},
        RowCase{"WhoseMissingNumberIsZeroAndAbove", kNegativeThreshold, Value(), 0.0, 20.5},
        RowCase{"WhoseMissingNumberGoesRight", kNanIsMissing, Value(), 0.0, 20.5},
        RowCase{"WhoseNanIsMissing", kNanIsMissing, kNaN, 0.0, 20.5},
        RowCase{"WhoseMissingNumberGoesLeft", kNanGoesLeft, Value(), 0.0, 1.5},
        RowCase{"WhoseZeroIsMissing", kZeroIsMissing, 0.0, 0.0, 20.5},
        RowCase{"WhoseNearlyZeroIsMissing", kZeroIsMissing, 1e-35, 0.0, 20.5},
        RowCase{"WhoseSmallNumberIsNotMissing", kZeroIsMissing, 1.1e-35, 0.0, 1.5},
        RowCase{"WhoseMissingNumberIsAsZero", kZeroIsMissing, Value(), 0.0, 20.5},
        RowCase{"OfATextOfTheSet", kTexts, 1.0, std::string_view("pear"), 20.5},
        RowCase{"OfAnotherTextOfTheSet", kTexts, 1.0, std::string_view("kiwi"), 20.5},
        RowCase{"OfATextThatIsNotInTheSet", kTexts, 1.0, std::string_view("apple"), 300.5},
        RowCase{"OfATextThatTrainingDidNotHave", kTexts, 1.0, std::string_view("lime"), 300.5},
        RowCase{"OfNoText", kTexts, 1.0, Value(), 300.5},
        RowCase{"OfANumberOfPandas", kNumbers, 1.0, 40.0, 20.5},
        RowCase{"OfANumberOfPandasThatIsNotInTheSet", kNumbers, 1.0, 5.0, 300.5},
        RowCase{"OfANumberThatPandasDidNotHave", kNumbers, 1.0, 0.0, 300.5},
        RowCase{"BelowAnInfiniteThreshold",
                {"", "threshold=0.1 0", "threshold=inf 0"},
                std::numeric_limits<double>::infinity(),
                0.0,
                1.5},
        RowCase{
            "OfAnAverage", {"", "label_index=0", "label_index=0\naverage_output"}, 0.0, 0.0, 0.75},
        RowCase{"OfARoot", {"", "=regression", "=regression sqrt"}, 0.0, 0.0, 2.25},
        RowCase{"OfACount", {"", "=regression", "=poisson"}, 0.0, 0.0, std::exp(1.5)},
        RowCase{"OfAProbability",
                {"", "=regression", "=binary sigmoid:2"},
                0.0,
                0.0,
                1 / (1 + std::exp(-3.0))},
        RowCase{
            "OfAnObjectiveWithParameters", {"", "=regression", "=huber alpha:0.9"}, 0.0, 0.0, 1.5},
        RowCase{"OfTheUsersOwnObjective", {"", "objective=regression\n", ""}, 0.0, 0.0, 1.5},
        RowCase{"WithMembersOfLaterDays",
                {"", "num_class=1", "num_class=1\nnew=[1, 2]"},
                0.0,
                0.0,
                1.5}),
    [](const auto& param) { return param.param.name; });

/// The first tree's leaves: 10 + 2 price, 20, and 30 + price / 2.
constexpr std::string_view kNotLinear = "cat_threshold=9\nis_linear=0";
constexpr std::string_view kLinearLeaves = R"(cat_threshold=9
is_linear=1
leaf_const=10 20 30
num_features=1 0 1
leaf_features=0   0 
leaf_coeff=2   0.5 )";
constexpr Change kLinear{"", kNotLinear, kLinearLeaves};

/// A change of the small model whose leaves are linear, too.
std::string ChangedLinear(const Change& change) {
  std::string text = Changed(kLinear);
  const std::size_t at = text.find(change.from);
  EXPECT_NE(at, std::string::npos) << change.from;
  return text.replace(at, change.from.size(), change.to);
}

INSTANTIATE_TEST_SUITE_P(
    OfLinearLeaves, RowOfTheSmallModel,
    testing::Values(RowCase{"IsTheFunctionOfItsLeaf", kLinear, 0.05, 0.0, 10.6},
                    RowCase{"OnTheThreshold", kLinear, 0.1, 0.0, 10.7},
                    RowCase{"ADoubleAboveTheThreshold", kLinear, std::nextafter(0.1, 1.0), 0.0,
                            20.5},
                    RowCase{"OfALeafWithoutTerms", kLinear, 1.0, 3.0, 20.5},
                    RowCase{"OfTheLastLeaf", kLinear, 4.0, 1.0, 32.5},
                    RowCase{"OfAMissingCategory", kLinear, 4.0, Value(), 32.5},
                    RowCase{"OfAMissingNumberIsTheLeafsValue", kLinear, Value(), 0.0, 1.5},
                    RowCase{"OfNearlyZeroIsThatOfZero", kLinear, 1e-35, 0.0, 10.5},
                    RowCase{"OfANumberThatNoFloatHolds", kLinear, 1e300, 1.0, 5e299}),
    [](const auto& param) { return param.param.name; });

TEST(LightGbmFormat, ReadsLinearLeavesBesideCategoriesByName) {
  std::string text = ChangedLinear(
      {"", "pandas_categorical:null", R"(pandas_categorical:[["pear", "apple", "fig", "kiwi"]])"});
  const Result<ImportedModel> model = ImportLightGbm(text, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {1.0, std::string_view("kiwi")}), 20.5);
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {1.0, std::string_view("apple")}), 31);
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {1.0, std::string_view("lime")}), 31);
  EXPECT_FALSE(model->can_explain);
  EXPECT_EQ(model->tree_count, 2U);
}

TEST(LightGbmFormat, SendsAMissingNumberOfALinearTreeByItsDefault) {
  const std::string text = ChangedLinear({"", "decision_type=2 1", "decision_type=8 1"});
  const Result<ImportedModel> model = ImportLightGbm(text, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {Value(), 0.0}), 20.5);
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {Value(), 1.0}), 300.5);
}

TEST(LightGbmFormat, SendsZeroOfALinearTreeByItsDefault) {
  const std::string text = ChangedLinear({"", "decision_type=2 1", "decision_type=4 1"});
  const Result<ImportedModel> model = ImportLightGbm(text, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {0.0, 1.0}), 30.5);
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {Value(), 0.0}), 20.5);
  EXPECT_DOUBLE_EQ(AnswerTo(*model, {0.05, 0.0}), 10.6);
}

TEST(LightGbmFormat, SaysOfVersion3WhatItsFilesDoNot) {
  const Result<ImportedModel> model = ImportLightGbm(Changed({"", "v4", "v3"}), Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(model->notes, ElementsAre(HasSubstr("those before took it for category 0")));
}

TEST(LightGbmFormat, KnowsFeaturesThatHaveNoNames) {
  const std::string text = Changed({"", "price kind", "Column_0 Column_1"});
  const Result<ImportedModel> model = ImportLightGbm(text, Rounds::kAll);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FALSE(model->has_input_names);
}

// ---- what is refused ----

struct RefusedCase {
  Change change;
  std::string_view error;

  friend std::ostream& operator<<(std::ostream& out, const RefusedCase& one) {
    return out << one.change.name;
  }
};

class RefusedText : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedText, IsRefusedWithItsReason) {
  const Result<ImportedModel> model = ImportLightGbm(Changed(GetParam().change), Rounds::kAll);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedText,
    testing::Values(
        RefusedCase{{"OfAnOlderVersion", "=v4", "=v2"}, "version: \"v2\" is not understood"},
        RefusedCase{{"OfALaterVersion", "=v4", "=v5"}, "version: \"v5\" is not understood"},
        RefusedCase{{"OfAnUnknownObjective", "=regression", "=fancy"},
                    "objective: \"fancy\" is not understood"},
        RefusedCase{{"OfAnUnknownParameter", "=regression", "=regression fancy"},
                    "objective: \"fancy\" of regression is not understood"},
        RefusedCase{{"OfACountOfRoots", "=regression", "=poisson sqrt"},
                    "objective: \"sqrt\" of poisson is not understood"},
        RefusedCase{{"OfNegativeSteepness", "=regression", "=binary sigmoid:-1"},
                    "sigmoid: expected a positive number"},
        RefusedCase{{"OfOneClass", "=regression", "=multiclass num_class:3"},
                    "num_tree_per_iteration: 1 does not fit"},
        RefusedCase{{"OfLinearLeavesThatAreNotThere", "is_linear=0", "is_linear=1"},
                    "Tree=0: leaf_const: 0 numbers, expected 3"},
        RefusedCase{{"WithoutNames", "feature_names=price kind\n", ""}, "feature_names: missing"},
        RefusedCase{{"WithTooFewNames", "=price kind", "=price"},
                    "feature_names: 1 names of 2 features"},
        RefusedCase{{"OfTooManyFeatures", "max_feature_idx=1", "max_feature_idx=70000"},
                    "max_feature_idx: expected a whole number up to 65535"},
        RefusedCase{{"OfHalfAnIteration", "per_iteration=1", "per_iteration=4"},
                    "2 trees, 4 an iteration"},
        RefusedCase{{"OfTreesOutOfOrder", "Tree=1", "Tree=2"}, "expected Tree=1"},
        RefusedCase{{"ThatEndsTooSoon", "end of trees", "end"}, "no \"end of trees\""},
        RefusedCase{{"WithAMemberTwice", "num_cat=1", "num_leaves=3"}, "num_leaves is given twice"},
        RefusedCase{{"OfTooFewLeaves", "leaf_value=1 20 300", "leaf_value=1 20"},
                    "Tree=0: leaf_value: 2 numbers, expected 3"},
        RefusedCase{{"OfLeavesThatAreNone", "leaf_value=1 20 300", "leaf_value=1 x 300"},
                    "Tree=0: leaf_value: \"x\" is no number"},
        RefusedCase{{"OfLeavesWithoutEnd", "leaf_value=1 20 300", "leaf_value=1 nan 300"},
                    "leaf_value: expected finite numbers"},
        RefusedCase{{"OfFarTooManyLeaves", "num_leaves=3", "num_leaves=2000000000"},
                    "num_leaves: expected a whole number up to 16777216"},
        RefusedCase{{"OfNoLeaves", "num_leaves=1\n", "num_leaves=0\n"}, "num_leaves: expected one"},
        RefusedCase{{"OfAnUnknownFeature", "split_feature=0 1", "split_feature=0 2"},
                    "split_feature: feature 2 of 2"},
        RefusedCase{{"OfANegativeFeature", "split_feature=0 1", "split_feature=0 -1"},
                    "split_feature: feature -1 of 2"},
        RefusedCase{{"ThatGoesRoundInACircle", "right_child=1 -3", "right_child=0 -3"},
                    "two tests lead to one"},
        RefusedCase{{"ThatGoesOnOutside", "right_child=1 -3", "right_child=9 -3"},
                    "a child that is no test"},
        RefusedCase{{"WithALeafTwice", "left_child=-1 -2", "left_child=-3 -2"},
                    "two tests lead to one leaf"},
        RefusedCase{{"WithALeafOutside", "left_child=-1 -2", "left_child=-9 -2"},
                    "a child that is no leaf"},
        RefusedCase{{"OfAnUnknownMissingKind", "decision_type=2 1", "decision_type=14 1"},
                    "an unknown kind of missing values"},
        RefusedCase{{"WithAFeatureOfTwoKinds", "split_feature=0 1", "split_feature=0 0"},
                    "feature \"price\" is tested in two ways"},
        RefusedCase{{"WithAThresholdWithoutEnd", "threshold=0.1 0", "threshold=-inf 0"},
                    "threshold: expected numbers, or inf"},
        RefusedCase{{"OfASetThatIsNone", "threshold=0.1 0", "threshold=0.1 1"},
                    "a set of categories that is none"},
        RefusedCase{{"OfASetOutside", "cat_boundaries=0 1", "cat_boundaries=0 2"},
                    "cat_boundaries: a set out of bounds"},
        RefusedCase{{"OfAnUnreadableListOfPandas", "categorical:null", "categorical:[["},
                    "pandas_categorical: expected a list of lists"},
        RefusedCase{{"OfTwoListsOfPandas", "categorical:null", R"(categorical:[["a"], ["b"]])"},
                    "pandas_categorical: 2 lists of categories, but feature_infos has 1 features"},
        RefusedCase{{"OfTooFewTextsOfPandas", "categorical:null", R"(categorical:[["a"]])"},
                    "asks for category 3 of feature \"kind\", which has 1"},
        RefusedCase{
            {"OfTextsOfPandasTwice", "categorical:null", R"(categorical:[["a", "b", "a", "c"]])"},
            "has the category \"a\" twice"},
        RefusedCase{
            {"OfFractionsOfPandas", "categorical:null", "categorical:[[0.5, 1.5, 2.5, 3.5]]"},
            "expected texts, or whole numbers from 0 to 16777215"}),
    [](const auto& param) { return param.param.change.name; });

class RefusedLinearText : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedLinearText, IsRefusedWithItsReason) {
  const auto model = ImportLightGbm(ChangedLinear(GetParam().change), Rounds::kAll);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedLinearText,
    testing::Values(
        RefusedCase{{"OfTooFewConstants", "leaf_const=10 20 30", "leaf_const=10 20"},
                    "Tree=0: leaf_const: 2 numbers, expected 3"},
        RefusedCase{{"OfAConstantWithoutEnd", "leaf_const=10 20 30", "leaf_const=10 inf 30"},
                    "leaf_const: expected finite numbers"},
        RefusedCase{{"OfTooManyTerms", "num_features=1 0 1", "num_features=1 0 2"},
                    "num_features: more than leaf_features has"},
        RefusedCase{{"OfTooFewTerms", "num_features=1 0 1", "num_features=1 0 0"},
                    "leaf_features: 2 numbers, expected 1"},
        RefusedCase{{"OfANegativeCount", "num_features=1 0 1", "num_features=1 -1 1"},
                    "num_features: more than leaf_features has"},
        RefusedCase{{"OfAFeatureOutside", "leaf_features=0   0", "leaf_features=0   2"},
                    "Tree=0: leaf_features: feature 2 of 2"},
        RefusedCase{{"OfANegativeFeature", "leaf_features=0   0", "leaf_features=0   -1"},
                    "Tree=0: leaf_features: -1"},
        RefusedCase{
            {"OfAFeatureBeyond32Bits", "leaf_features=0   0", "leaf_features=0   4294967296"},
            "Tree=0: leaf_features: 4294967296"},
        RefusedCase{{"OfACategory", "leaf_features=0   0", "leaf_features=0   1"},
                    "Tree=0: leaf_features: feature \"kind\" is a category"},
        RefusedCase{{"OfACoefficientWithoutEnd", "leaf_coeff=2   0.5", "leaf_coeff=2   nan"},
                    "leaf_coeff: expected finite numbers"},
        RefusedCase{{"OfCoefficientsOfNothing", "leaf_coeff=2   0.5", "leaf_coeff=2"},
                    "leaf_features: 2 numbers, expected 1"}),
    [](const auto& param) { return param.param.change.name; });

TEST(LightGbmFormat, HasNoBestRound) {
  EXPECT_THAT(ImportLightGbm(kSmall, Rounds::kBest).error().message,
              HasSubstr("names no best round"));
}

TEST(LightGbmFormat, CutShortAnywhereIsRefusedOrWhole) {
  // Behind the trees the text may end anywhere; what Python adds is whole or refused.
  for (std::size_t size = 0; size < kSmall.find("pandas"); ++size) {
    const Result<ImportedModel> model = ImportLightGbm(kSmall.substr(0, size), Rounds::kAll);
    EXPECT_EQ(model.ok(), size >= kSmall.find("end of trees") + 12) << size;
  }
}

}  // namespace
}  // namespace forkcast::model
