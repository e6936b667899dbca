#include "model/tree/xgboost_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"
#include "support/mutation.hpp"

namespace forkcast::model {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// As XGBoost 1.7 writes it, but for members that are passed over: two trees, the second with a
/// test of categories and a node that no test leads to.
ordered_json SmallModel() {
  return ordered_json::parse(R"({
    "learner": {
      "attributes": {"forkcast_task": "regression"},
      "feature_names": ["a", "b"],
      "feature_types": ["float", "c"],
      "gradient_booster": {
        "model": {
          "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "2", "size_leaf_vector": "0"},
          "tree_info": [0, 0],
          "trees": [
            {"id": 0, "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
             "split_conditions": [5E-1, -1E0, 2.5E0], "default_left": [1, 0, 0], "sum_hessian": [7, 4, 3],
             "split_type": [0, 0, 0], "categories": [], "categories_nodes": [], "categories_segments": [],
             "categories_sizes": [], "tree_param": {"num_nodes": "3", "size_leaf_vector": "0"}},
            {"id": 1, "left_children": [3, -1, -1, -1], "right_children": [2, -1, -1, -1],
             "split_indices": [1, 0, 0, 0], "split_conditions": [0, 9E0, 1E0, 2E0], "default_left": [0, 0, 0, 0],
             "sum_hessian": [5, 0, 3, 2], "split_type": [1, 0, 0, 0], "categories": [3, 40],
             "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2],
             "tree_param": {"num_nodes": "4", "size_leaf_vector": "0"}}]
        },
        "name": "gbtree"
      },
      "learner_model_param": {"base_score": "2.5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
      "objective": {"name": "reg:squarederror"}
    },
    "version": [1, 7, 4]
  })");
}

std::string Ubjson(const json& document) {
  std::string bytes;
  json::to_ubjson(document, bytes);
  return bytes;
}

TEST(XGBoostReader, ReadsTreesAsTheyAreMeant) {
  const Result<ForestSource> forest = ReadXGBoost(SmallModel().dump());
  ASSERT_TRUE(forest) << forest.error().message;
  EXPECT_THAT(forest->features, ElementsAre("a", "b"));
  EXPECT_THAT(forest->base_margins, ElementsAre(0.25F));
  EXPECT_EQ(forest->link, Link::kIdentity);
  EXPECT_THAT(forest->attributes, ElementsAre(Pair("forkcast_task", "regression")));
  ASSERT_EQ(forest->trees.size(), 2U);
  using Node = ForestSource::Node;
  EXPECT_THAT(forest->trees[0].nodes,
              ElementsAre(Node{.value = 0.5F, .feature = 0, .left = 1, .right = 2, .weight = 7},
                          Node{.value = -1, .weight = 4}, Node{.value = 2.5F, .weight = 3}));
  EXPECT_THAT(forest->trees[1].nodes,
              ElementsAre(Node{.value = 0,
                               .feature = 1,
                               .left = 1,
                               .right = 2,
                               .weight = 5,
                               .is_category = true,
                               .missing_goes_right = true,
                               .first_category = 0,
                               .category_count = 2},
                          Node{.value = 2, .weight = 2}, Node{.value = 1, .weight = 3}));
  EXPECT_THAT(forest->trees[1].categories, ElementsAre(3U, 40U));
  const std::vector<float> row{0.5F, 40.9F};
  EXPECT_THAT(AnswerOf(*forest, row), ElementsAre(0.25 + 2.5 + 1));
}

TEST(XGBoostReader, ReadsTheSameFromUbjson) {
  const ordered_json model = SmallModel();
  const Result<ForestSource> forest = ReadXGBoost(Ubjson(model));
  ASSERT_TRUE(forest) << forest.error().message;
  EXPECT_EQ(CompileForest(*forest), CompileForest(*ReadXGBoost(model.dump())));
}

/// One change of the small model that is still a model, and what a row of (0.7, 3) is answered
/// then.
struct Variant {
  std::string name;
  std::string at;
  std::string now;
  double answer;
};

class OtherModel : public testing::TestWithParam<Variant> {};

TEST_P(OtherModel, IsUnderstood) {
  ordered_json model = SmallModel();
  Apply({.name = "", .at = GetParam().at, .now = GetParam().now, .error = ""}, model);
  for (const std::string& bytes : {model.dump(), Ubjson(model)}) {
    const Result<ForestSource> forest = ReadXGBoost(bytes);
    ASSERT_TRUE(forest) << forest.error().message;
    EXPECT_THAT(AnswerOf(*forest, std::vector<float>{0.7F, 3}), ElementsAre(GetParam().answer));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OtherModel,
    testing::Values(
        Variant{"AsItIs", "/version", "[1, 7, 4]", 3.75},
        Variant{"WithoutFeatureNames", "/learner/feature_names", "", 3.75},
        Variant{"WithUnknownMembers", "/learner/new", R"({"trees": [{"id": [[[1]]]}]})", 3.75},
        Variant{"WithoutWeights", "/learner/gradient_booster/model/trees/0/sum_hessian", "", 3.75},
        Variant{"WithoutSplitTypes", "/learner/gradient_booster/model/trees/0/split_type", "",
                3.75},
        Variant{"WithBooleans", "/learner/gradient_booster/model/trees/0/default_left",
                "[true, false, false]", 3.75},
        Variant{"WithoutTargets", "/learner/learner_model_param/num_target", "", 3.75},
        Variant{"WithWeightsOfTrees", "/learner/gradient_booster/weight_drop", "[2, 0.5]", 5.75},
        Variant{"WithWeightsOfTreesInItsModel", "/learner/gradient_booster/model/weight_drop",
                "[2, 0.5]", 5.75},
        Variant{"OfAnotherObjective", "/learner/objective/name", R"("reg:absoluteerror")", 3.75},
        Variant{"OfAnotherBase", "/learner/learner_model_param/base_score", R"("-1E0")", 2.5},
        Variant{"OfAListOfOneBase", "/learner/learner_model_param/base_score", R"("[-1E0]")", 2.5},
        Variant{"OfALaterVersion", "/version", "[3, 4, 1]", 3.75}),
    [](const auto& param) { return param.param.name; });

TEST(XGBoostReader, TakesTreesByTheirIds) {
  ordered_json model = SmallModel();
  auto& trees = model["learner"]["gradient_booster"]["model"]["trees"];
  std::swap(trees[0], trees[1]);
  const Result<ForestSource> forest = ReadXGBoost(model.dump());
  ASSERT_TRUE(forest) << forest.error().message;
  EXPECT_EQ(CompileForest(*forest), CompileForest(*ReadXGBoost(SmallModel().dump())));
}

TEST(XGBoostReader, FindsDartsTreesOneObjectDeeper) {
  ordered_json model = SmallModel();
  const ordered_json booster = model["learner"]["gradient_booster"];
  model["learner"]["gradient_booster"] = {
      {"gbtree", booster}, {"name", "dart"}, {"weight_drop", {2, 0.5}}};
  for (const std::string& bytes : {model.dump(), Ubjson(model)}) {
    const Result<ForestSource> forest = ReadXGBoost(bytes);
    ASSERT_TRUE(forest) << forest.error().message;
    EXPECT_THAT(AnswerOf(*forest, std::vector<float>{0.7F, 3}), ElementsAre(5.75));
  }
}

TEST(XGBoostReader, FindsDartsWeightsWhereVersions3o3And3o4HaveThem) {
  const ordered_json weights{2, 0.5};
  ordered_json beside = SmallModel();
  beside["learner"]["gradient_booster"]["weight_drop"] = weights;
  ordered_json within = SmallModel();
  within["learner"]["gradient_booster"]["model"]["weight_drop"] = weights;
  for (const ordered_json& model : {beside, within}) {
    for (const std::string& bytes : {model.dump(), Ubjson(model)}) {
      const Result<ForestSource> forest = ReadXGBoost(bytes);
      ASSERT_TRUE(forest) << forest.error().message;
      EXPECT_THAT(AnswerOf(*forest, std::vector<float>{0.7F, 3}), ElementsAre(5.75));
    }
  }
}

/// A change of the small model by which each leaf is of two numbers.
ordered_json ModelOfVectors(const char* member, const ordered_json& numbers) {
  ordered_json model = SmallModel();
  model["learner"]["learner_model_param"]["num_target"] = "2";
  model["learner"]["learner_model_param"]["base_score"] = "[1E0,-1E0]";
  auto& booster = model["learner"]["gradient_booster"]["model"];
  booster["trees"].erase(1);
  booster["tree_info"] = {0};
  booster["gbtree_model_param"]["num_trees"] = "1";
  booster["trees"][0]["tree_param"]["size_leaf_vector"] = "2";
  booster["trees"][0][member] = numbers;
  return model;
}

TEST(XGBoostReader, MakesATreeOfEachNumberOfALeaf) {
  const ordered_json until_3_1 = ModelOfVectors("base_weights", {0, 0, 10, 20, 30, 40});
  ordered_json later = ModelOfVectors("leaf_weights", {10, 20, 30, 40});
  later["learner"]["gradient_booster"]["model"]["trees"][0]["right_children"] = {2, 0, 1};
  for (const ordered_json& model : {until_3_1, later}) {
    const Result<ForestSource> forest = ReadXGBoost(model.dump());
    ASSERT_TRUE(forest) << forest.error().message;
    EXPECT_THAT(AnswerOf(*forest, std::vector<float>{0, 0}), ElementsAre(11, 19));
    EXPECT_THAT(AnswerOf(*forest, std::vector<float>{1, 0}), ElementsAre(31, 39));
  }
}

TEST(XGBoostReader, RefusesLeavesOfOtherNumbersThanARowHas) {
  ordered_json model = ModelOfVectors("base_weights", {0, 0, 10, 20, 30, 40});
  model["learner"]["learner_model_param"]["num_target"] = "3";
  model["learner"]["learner_model_param"]["base_score"] = "0";
  EXPECT_THAT(ReadXGBoost(model.dump()).error().message,
              HasSubstr("leaves of 2 numbers where a row has 3"));
}

TEST(XGBoostReader, ReadsWhatCategoriesStandFor) {
  ordered_json model = SmallModel();
  model["learner"]["gradient_booster"]["model"]["cats"] = ordered_json::parse(
      R"({"enc": [{"type": 12, "values": [7, 9]}, {"offsets": [0, 2, 3], "values": [97, 98, 99]}]})");
  for (const std::string& bytes : {model.dump(), Ubjson(model)}) {
    const Result<XGBoostModel> read = ReadXGBoostModel(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_THAT(read->category_texts, ElementsAre(Pair(1, ElementsAre("ab", "c"))));
    EXPECT_THAT(read->category_numbers, ElementsAre(Pair(0, ElementsAre(7, 9))));
  }
}

struct BaseCase {
  const char* name;
  const char* version;
  const char* base_score;
  float margin;

  friend std::ostream& operator<<(std::ostream& out, const BaseCase& one) {
    return out << one.name;
  }
};

class BaseOfProbability : public testing::TestWithParam<BaseCase> {};

TEST_P(BaseOfProbability, IsTheMarginThatItsVersionMakesOfIt) {
  ordered_json model = SmallModel();
  model["version"] = ordered_json::parse(GetParam().version);
  model["learner"]["objective"]["name"] = "binary:logistic";
  model["learner"]["learner_model_param"]["base_score"] = GetParam().base_score;
  const Result<ForestSource> forest = ReadXGBoost(model.dump());
  ASSERT_TRUE(forest) << forest.error().message;
  EXPECT_FLOAT_EQ(forest->base_margins[0], GetParam().margin);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BaseOfProbability,
    testing::Values(BaseCase{"OfAHalf", "[1, 7, 4]", "5E-1", 0},
                    BaseCase{"OfAListOfAHalf", "[3, 1, 3]", "[5E-1]", 0},
                    BaseCase{"SmallBefore3o2", "[3, 1, 3]", "[1E-8]", -std::log(1e8F - 1)},
                    BaseCase{"SmallFrom3o2On", "[3, 2, 0]", "[1E-8]", -std::log(1e6F - 1)},
                    BaseCase{"NoneFrom3o2On", "[3, 2, 0]", "[0E0]", -std::log(1e6F - 1)}),
    [](const auto& param) { return param.param.name; });

TEST(XGBoostReader, ReadsAFloatOfTextWithoutRoundingItTwice) {
  // Between two floats, a bit above the middle; the nearest double is the middle.
  std::string text = SmallModel().dump();
  const std::string_view leaf = "[0.5,-1.0,2.5]";
  ASSERT_NE(text.find(leaf), std::string::npos);
  text.replace(text.find(leaf), leaf.size(), "[0.5,-1.0,1.00000005960464477539062500000000001]");
  EXPECT_EQ(ReadXGBoost(text)->trees[0].nodes[2].value, std::nextafter(1.0F, 2.0F));
}

TEST(XGBoostReader, TakesTheWordNanThatXGBoostWritesForNoNumber) {
  std::string text = SmallModel().dump();
  const std::string_view conditions = "[0,9.0,1.0,2.0]";
  ASSERT_NE(text.find(conditions), std::string::npos);
  text.replace(text.find(conditions), conditions.size(), "[NaN,9.0,1.0,2.0]");
  const std::string name = R"("a")";
  text.replace(text.find(name), name.size(), R"("a\"NaN")");
  const Result<ForestSource> forest = ReadXGBoost(text);
  ASSERT_TRUE(forest) << forest.error().message;
  EXPECT_EQ(forest->features[0], "a\"NaN");
  EXPECT_TRUE(std::isnan(forest->trees[1].nodes[0].value));
}

// ---- what is refused ----

class BadModel : public testing::TestWithParam<Mutation> {};

TEST_P(BadModel, IsRefusedWithItsReason) {
  ordered_json model = SmallModel();
  Apply(GetParam(), model);
  for (const std::string& bytes : {model.dump(), Ubjson(model)}) {
    const Result<ForestSource> forest = ReadXGBoost(bytes);
    ASSERT_FALSE(forest);
    EXPECT_THAT(forest.error().message, HasSubstr(GetParam().error));
  }
}

constexpr const char* kFirst = "/learner/gradient_booster/model/trees/0/";
constexpr const char* kSecond = "/learner/gradient_booster/model/trees/1/";

Mutation OfTree(const char* tree, const char* name, const char* member, const char* now,
                const char* error) {
  return {name, std::string(tree) + member, now, error};
}

INSTANTIATE_TEST_SUITE_P(
    Models, BadModel,
    testing::Values(
        Mutation{"WithoutLearner", "/learner", "", "not a model of XGBoost"},
        Mutation{"OfAnUnknownBooster", "/learner/gradient_booster/name", R"("gbnew")",
                 R"(gradient_booster: "gbnew" is not understood)"},
        Mutation{"OfLinesWithoutWeights", "/learner/gradient_booster/name", R"("gblinear")",
                 "weights: 0 numbers, expected 3"},
        Mutation{"OfLines", "/learner/gradient_booster",
                 R"({"name": "gblinear", "model": {"weights": [1, 2, 3]}})",
                 "gradient_booster: gblinear has no trees"},
        Mutation{"OfLinesWithoutEnd", "/learner/gradient_booster",
                 R"({"name": "gblinear", "model": {"weights": [1, 1e300, 3]}})",
                 "weights: expected finite numbers"},
        Mutation{"WithoutObjective", "/learner/objective", "",
                 R"(objective: "" is not understood)"},
        Mutation{"OfAnUnknownObjective", "/learner/objective/name", R"("reg:new")",
                 R"(objective: "reg:new" is not understood)"},
        Mutation{"WithoutBase", "/learner/learner_model_param/base_score", "",
                 R"(base_score: expected a number, got "")"},
        Mutation{"OfSeveralBases", "/learner/learner_model_param/base_score", R"("[1E0,2E0]")",
                 "base_score: 2 numbers for 1 of a row"},
        Mutation{"OfAListOfNoBase", "/learner/learner_model_param/base_score", R"("[]")",
                 R"(base_score: expected a number, got "")"},
        Mutation{"OfALaterMajorVersion", "/version", "[4, 0, 0]",
                 "version: 4.0.0 is not understood, only 1.0 to 3.x are"},
        Mutation{"OfNoVersion", "/version", "", "version: expected three numbers"},
        Mutation{"OfHalfAVersion", "/version", "[1, 0.5, 0]", "version: expected three numbers"},
        Mutation{
            "OfABaseThatIsNoProbability", "/learner",
            R"({"gradient_booster": {"name": "gbtree"}, "objective": {"name": "binary:logistic"},
                     "learner_model_param": {"base_score": "1", "num_feature": "1"}})",
            "base_score: 1 has no meaning for binary:logistic"},
        Mutation{"OfNoFeatures", "/learner/learner_model_param/num_feature", R"("0")",
                 "num_feature: 0 features, expected 1 to 65536"},
        Mutation{"OfTooManyFeatures", "/learner/learner_model_param/num_feature", R"("65537")",
                 "num_feature: 65537 features"},
        Mutation{"OfTooFewNames", "/learner/feature_names", R"(["a"])",
                 "feature_names: 1 names of 2 features"},
        Mutation{"OfTooManyClasses", "/learner/learner_model_param/num_class", R"("4097")",
                 "num_class: 4097 numbers a row"},
        Mutation{"OfTreesThatAreMissing", "/learner/gradient_booster/model/trees", "[]",
                 "differ in length"},
        Mutation{"OfTreesOfNoGroup", "/learner/gradient_booster/model/tree_info", "[0, 1]",
                 "tree_info: a group that is none"},
        Mutation{"OfTooFewWeightsOfTrees", "/learner/gradient_booster/weight_drop", "[1]",
                 "differ in length"},
        Mutation{"OfCategoriesThatStandForTexts", "/learner/gradient_booster/model/cats",
                 R"({"enc": [{}, {"offsets": [0, 1], "values": [97]}]})",
                 "categories that stand for texts"},
        Mutation{"OfCategoriesOfAnotherModel", "/learner/gradient_booster/model/cats",
                 R"({"enc": [{"values": []}]})", "cats: of 1 features, expected 2"},
        Mutation{"OfTextsOutOfBounds", "/learner/gradient_booster/model/cats",
                 R"({"enc": [{}, {"offsets": [0, 2], "values": [97]}]})",
                 "cats: a text out of bounds"},
        Mutation{"OfTextsThatAreNotAscii", "/learner/gradient_booster/model/cats",
                 R"({"enc": [{}, {"offsets": [0, 1], "values": [-61]}]})",
                 "cats: a category that is not ASCII"},
        Mutation{"OfTextsThatEndBeforeTheyBegin", "/learner/gradient_booster/model/cats",
                 R"({"enc": [{}, {"offsets": [1, 0], "values": [97]}]})",
                 "cats: a text that ends before it begins"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Trees, BadModel,
    testing::Values(
        OfTree(kFirst, "WithoutId", "id", "", "trees[0]: it has no id"),
        OfTree(kFirst, "WithAnotherOnesId", "id", "1", "trees: none, or two, with the id 0"),
        OfTree(kFirst, "WithANegativeId", "id", "-1", "trees[0]: its id is no number"),
        OfTree(kFirst, "WithoutNodes", "left_children", "[]", "trees[0]: it has no nodes"),
        OfTree(kFirst, "WithTooFewChildren", "right_children", "[2]", "differ in length"),
        OfTree(kFirst, "WithTooManyLimits", "split_conditions", "[1, 2, 3, 4]", "differ in length"),
        OfTree(kFirst, "WithAChildThatIsNone", "left_children", "[3, -1, -1]",
               "a child that is no node"),
        OfTree(kFirst, "WithAChildBelowNone", "right_children", "[-2, -1, -1]",
               "a child that is no node"),
        OfTree(kFirst, "WithHalfAChild", "left_children", "[1.5, -1, -1]",
               "a child that is no node"),
        OfTree(kFirst, "WithAGiantChild", "left_children", "[1e300, -1, -1]",
               "a child that is no node"),
        OfTree(kFirst, "WithOneChild", "right_children", "[-1, -1, -1]", "a child that is no node"),
        OfTree(kFirst, "ThatIsItsOwnChild", "left_children", "[0, -1, -1]",
               "two tests lead to one node"),
        OfTree(kFirst, "ThatGoesRoundInACircle", "left_children", "[1, 0, -1]",
               "two tests lead to one node"),
        OfTree(kFirst, "WithTwinsThatAreOne", "left_children", "[2, -1, -1]",
               "two tests lead to one node"),
        OfTree(kFirst, "OfNoFeature", "split_indices", "[2, 0, 0]", "a test of feature 2 of 2"),
        OfTree(kFirst, "OfANegativeFeature", "split_indices", "[-1, 0, 0]", "a test of no feature"),
        OfTree(kFirst, "WithLeavesOfMissingNumbers", "tree_param/size_leaf_vector", R"("3")",
               "a leaf without its numbers"),
        OfTree(kFirst, "WithLeavesOfFarTooManyNumbers", "tree_param/size_leaf_vector",
               R"("99999999")", "size_leaf_vector: expected 0 to 4096"),
        OfTree(kSecond, "WithCategoriesOfNoNode", "categories_nodes", "[4]",
               "categories of no node"),
        OfTree(kSecond, "WithCategoriesOfAnother", "categories_nodes", "[1]",
               "a test of categories without them"),
        OfTree(kSecond, "WithCategoriesBehindTheirEnd", "categories_segments", "[3]",
               "begin behind their end"),
        OfTree(kSecond, "WithTooManyCategories", "categories_sizes", "[3]",
               "go on behind their end"),
        OfTree(kSecond, "WithTooFewSizes", "categories_sizes", "[]",
               "lists of categories differ in length"),
        OfTree(kSecond, "WithANegativeCategory", "categories", "[-3, 40]",
               "a category is none of 0 to 16777215"),
        OfTree(kSecond, "WithATooGreatCategory", "categories", "[3, 16777216]",
               "a category is none of 0 to 16777215")),
    [](const auto& param) { return param.param.name; });

TEST(XGBoostReader, RefusesWhatIsNoDocument) {
  for (const std::string_view bytes :
       {"", "nothing", "binf", "[]", "{", "{}", "{\"", "{\"a\": nul}"}) {
    EXPECT_FALSE(ReadXGBoost(bytes)) << bytes;
  }
  EXPECT_THAT(ReadXGBoost("binf").error().message, HasSubstr("save the model as .ubj"));
}

TEST(XGBoostReader, RefusesADocumentCutShortAnywhere) {
  for (const std::string& bytes : {SmallModel().dump(), Ubjson(SmallModel())}) {
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const Result<ForestSource> forest = ReadXGBoost(bytes.substr(0, size));
      ASSERT_FALSE(forest) << size;
      ASSERT_EQ(forest.error().code, ErrorCode::kCorrupt) << size;
    }
    EXPECT_FALSE(ReadXGBoost(bytes + "{"));
  }
}

TEST(XGBoostReader, RefusesOrUnderstandsADocumentWithAnyByteChanged) {
  for (const std::string& bytes : {SmallModel().dump(), Ubjson(SmallModel())}) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const int change : {1, 0x20, 0x80}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ change);
        const Result<ForestSource> forest = ReadXGBoost(changed);
        if (forest) (void)AnswerOf(*forest, std::vector<float>(forest->features.size()));
      }
    }
  }
}

struct BadUbjson {
  const char* name;
  std::string bytes;
  const char* error;
};

class BadDocument : public testing::TestWithParam<BadUbjson> {};

TEST_P(BadDocument, IsRefusedWhateverItClaims) {
  const Result<ForestSource> forest = ReadXGBoost(GetParam().bytes);
  ASSERT_FALSE(forest);
  EXPECT_EQ(forest.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(forest.error().message, HasSubstr(GetParam().error));
}

/// Length 1, name "a".
const std::string kName =
    "i\x01"
    "a";
const std::string kMost = std::string("L\x7F") + std::string(7, '\xFF');

INSTANTIATE_TEST_SUITE_P(
    Ubjson, BadDocument,
    testing::Values(
        BadUbjson{"NestedADayLong", "{" + kName + std::string(100'000, '['), "nested too deep"},
        BadUbjson{"OfANegativeSize", "{i\xFF", "a size is negative"},
        BadUbjson{"OfAGiantName", "{" + kMost + "a", "ends too soon"},
        BadUbjson{"OfAGiantText", "{" + kName + "S" + kMost, "ends too soon"},
        BadUbjson{"OfAGiantArray", "{" + kName + "[$d#" + kMost + "1234", "ends too soon"},
        BadUbjson{"OfAGiantArrayWithoutType", "{" + kName + "[#" + kMost + "TF", "ends too soon"},
        BadUbjson{"OfAGiantArrayOfNothing", "{" + kName + "[$Z#" + kMost, "expected an integer"},
        BadUbjson{"OfAnArrayOfArrays", "{" + kName + "[$[#i\x02", "expected an integer"},
        BadUbjson{"OfATypeWithoutSize", "{" + kName + "[$d1234", "expected the size"},
        BadUbjson{"OfAnUnknownMark", "{" + kName + "?", "expected an integer"},
        BadUbjson{"ThatGoesOn", "{" + kName + "Z}Z", "expected the end"}),
    [](const auto& param) { return param.param.name; });

TEST(XGBoostReader, RefusesTextNestedADayLong) {
  const std::string bytes = R"({"a":)" + std::string(100'000, '[');
  EXPECT_THAT(ReadXGBoost(bytes).error().message, HasSubstr("nested too deep"));
}

TEST(XGBoostReader, RefusesSetsOfCategoriesThatWouldFillTheMemory) {
  ordered_json model = SmallModel();
  auto& tree = model["learner"]["gradient_booster"]["model"]["trees"][1];
  // A chain of tests of one great category each, half a million words a set.
  constexpr int kTests = 200;
  for (const char* member : {"left_children", "right_children", "split_indices", "split_conditions",
                             "default_left", "sum_hessian", "split_type"}) {
    tree[member] = ordered_json::array();
  }
  for (int i = 0; i < 2 * kTests + 1; ++i) {
    const bool is_test = i % 2 == 0 && i < 2 * kTests;
    tree["left_children"].push_back(is_test ? i + 1 : -1);
    tree["right_children"].push_back(is_test ? i + 2 : -1);
    tree["split_type"].push_back(is_test ? 1 : 0);
    for (const char* member :
         {"split_indices", "split_conditions", "default_left", "sum_hessian"}) {
      tree[member].push_back(0);
    }
  }
  tree["categories"] = {ForestSource::kMostCategories - 1};
  tree["categories_nodes"] = tree["categories_segments"] = tree["categories_sizes"] =
      ordered_json::array();
  for (int i = 0; i < kTests; ++i) {
    tree["categories_nodes"].push_back(2 * i);
    tree["categories_segments"].push_back(0);
    tree["categories_sizes"].push_back(1);
  }
  EXPECT_THAT(ReadXGBoost(model.dump()).error().message, HasSubstr("to hold their sets as bits"));
}

}  // namespace
}  // namespace forkcast::model
