#include "model/tree/decision_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>

#include "model/tree/tree_testing.hpp"
#include "support/mutation.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

using testing::ElementsAre;
using testing::StartsWith;

constexpr auto kShipped = FORKCAST_SOURCE_DIR "/conf/models/order_triage_v1.json";
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string Classify(const DecisionTree& tree, std::span<const float> row) {
  double out = -1;
  tree.Predict(row, std::span(&out, 1));
  return tree.outputs().front().categories.at(static_cast<std::size_t>(out));
}

/// The rules of the order triage as they were given, first match wins.
std::string TriageRules(float inventory, float available, float status, float hour) {
  if (inventory <= 0) return "HoldCheckAvailability";
  if (available != 1) return "HoldCheckDelivery";
  if (status != 0) return "HoldCheckPayment";  // 0 is "OK", the only category
  if (hour < 6) return "Decline";
  return "Deliver";
}

TEST(OrderTriageTree, AnswersAsTheRulesDo) {
  const Result<DecisionTree> tree = DecisionTree::Parse(preprocessing::ReadWhole(kShipped));
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  ASSERT_THAT(tree->inputs(),
              ElementsAre(InputColumn{"inventory", InputType::kNumber, {}},
                          InputColumn{"zip_code_available", InputType::kBool, {}},
                          InputColumn{"payment_status", InputType::kCategory, {"OK"}},
                          InputColumn{"order_hour_of_day", InputType::kNumber, {}}));
  ASSERT_EQ(tree->outputs().size(), 1U);
  const OutputColumn& output = tree->outputs().front();
  ASSERT_EQ(output.name, "class");
  ASSERT_EQ(output.type, OutputType::kCategory);
  std::vector<float> rows;
  std::vector<std::string> expected;
  for (const float inventory : {-1.0F, 0.0F, 1.0F, 50.0F}) {
    for (const float available : {0.0F, 1.0F, kNan}) {
      for (const float status : {0.0F, 1.0F, kNan}) {
        for (int hour = 0; hour < 24; ++hour) {
          rows.insert(rows.end(), {inventory, available, status, static_cast<float>(hour)});
          expected.push_back(TriageRules(inventory, available, status, static_cast<float>(hour)));
        }
      }
    }
  }
  std::vector<double> classes(expected.size());
  tree->Predict(rows, classes);
  for (std::size_t row = 0; row < expected.size(); ++row) {
    const std::span<const float> alone = std::span(rows).subspan(row * 4, 4);
    ASSERT_EQ(output.categories.at(static_cast<std::size_t>(classes[row])), expected[row])
        << testing::PrintToString(alone);
    ASSERT_EQ(Classify(*tree, alone), expected[row]);
  }
}

TEST(OrderTriageTree, WithAnyBitFlippedIsRefused) {
  std::string text = preprocessing::ReadWhole(kShipped);
  ASSERT_TRUE(DecisionTree::Parse(text).ok());
  for (char& byte : text) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ static_cast<char>(1U << bit));
      ASSERT_FALSE(DecisionTree::Parse(text).ok())
          << "bit " << bit << " of byte " << &byte - text.data();
      byte = static_cast<char>(byte ^ static_cast<char>(1U << bit));
    }
  }
}

TEST(OrderTriageTree, CutShortAnywhereIsRefused) {
  const std::string text = preprocessing::ReadWhole(kShipped);
  for (std::size_t length = 0; length < text.size(); ++length) {
    ASSERT_FALSE(DecisionTree::Parse(text.substr(0, length)).ok()) << length;
  }
}

TEST(DecisionTreeFile, EditedOnPurposeIsToldItsChecksum) {
  std::string text = preprocessing::ReadWhole(kShipped);
  text.replace(text.find("\"<\": 6"), 6, "\"<\": 7");
  const Result<DecisionTree> refused = DecisionTree::Parse(text);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  const std::string& message = refused.error().message;
  EXPECT_THAT(message, StartsWith("$.checksum: the file is damaged or was edited"));
  const std::string right = message.substr(message.rfind("xxh3-128:"));
  text.replace(text.find("xxh3-128:"), right.size(), right);
  const Result<DecisionTree> tree = DecisionTree::Parse(text);
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  EXPECT_EQ(Classify(*tree, std::array{1.0F, 1.0F, 0.0F, 6.0F}), "Decline");
}

// ---- thresholds ----

/// Whether a tree of the one test `x TEST limit` says yes.
class OneTestTree {
 public:
  OneTestTree(const std::string& test, double limit)
      : tree_(*DecisionTree::Parse(Seal(OneTest(test, limit)))) {}
  bool Passes(float x) const { return Classify(tree_, std::span(&x, 1)) == "yes"; }

 private:
  DecisionTree tree_;
};

/// The neighbours of `limit` among the floats and what lies far from it.
std::vector<float> ValuesAround(double limit) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{-kInfinity,
                            -1,
                            -0.0F,
                            0,
                            1,
                            kInfinity,
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::min(),
                            std::numeric_limits<float>::denorm_min()};
  const auto nearest = static_cast<float>(limit);
  const float below = std::nextafter(nearest, -kInfinity);
  const float above = std::nextafter(nearest, kInfinity);
  values.insert(values.end(), {below, nearest, above, std::nextafter(below, -kInfinity),
                               std::nextafter(above, kInfinity)});
  return values;
}

void ExpectExact(double limit) {
  const OneTestTree less("<", limit);
  const OneTestTree less_or_equal("<=", limit);
  for (const float x : ValuesAround(limit)) {
    const auto exact = static_cast<double>(x);
    ASSERT_EQ(less.Passes(x), exact < limit) << x << " < " << limit;
    ASSERT_EQ(less_or_equal.Passes(x), exact <= limit) << x << " <= " << limit;
  }
}

TEST(Threshold, ComparesExactlyAtTheEdgesOfTheFloats) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  for (const double limit :
       {0.0, -0.0, 6.0, 0.1, -0.1, 1.0 / 3, 16777216.0, 16777217.0, -16777217.0, 1e-300, -1e-300,
        static_cast<double>(std::numeric_limits<float>::denorm_min()) / 2, kLargest, -kLargest,
        std::nextafter(kLargest, 0.0), std::nextafter(1.0, 2.0), std::nextafter(1.0, 0.0)}) {
    ExpectExact(limit);
  }
}

TEST(Threshold, ComparesExactlyWhateverTheLimit) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000 && !testing::Test::HasFailure(); ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    float base = 0;
    std::memcpy(&base, &bits, sizeof base);
    if (!std::isfinite(base)) continue;
    double limit = base;  // a float itself, or a double just beside one
    if (random() % 3 != 0) limit = std::nextafter(limit, random() % 2 == 0 ? 1e40 : -1e40);
    if (std::abs(limit) > std::numeric_limits<float>::max()) continue;
    ExpectExact(limit);
  }
}

TEST(MissingValue, PassesNoTest) {
  for (const std::string test : {"<", "<="}) {
    for (const double limit : {-1.0, 0.0, 3e38}) {
      EXPECT_FALSE(OneTestTree(test, limit).Passes(kNan)) << test << limit;
    }
  }
  ordered_json tree = OneTest("<", 1);
  tree["features"] = ordered_json::parse(
      R"([{"name": "x", "type": "category", "categories": ["a", "b"]},
          {"name": "flag", "type": "bool"}])");
  for (const char* node : {R"({"if": "x", "in": ["a", "b"], "yes": 1, "no": 2})",
                           R"({"if": "flag", "is": true, "yes": 1, "no": 2})",
                           R"({"if": "flag", "is": false, "yes": 1, "no": 2})"}) {
    tree["nodes"][0] = ordered_json::parse(node);
    const Result<DecisionTree> parsed = DecisionTree::Parse(Seal(tree));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(Classify(*parsed, std::array{kNan, kNan}), "no") << node;
  }
}

TEST(Category, OfTheLastBitIsToldFromOneThatIsNotListed) {
  ordered_json categories = ordered_json::array();
  for (int i = 0; i < 63; ++i) categories.push_back("c" + std::to_string(i));
  ordered_json tree = OneTest("<", 1);
  tree["features"][0] = {{"name", "x"}, {"type", "category"}, {"categories", categories}};
  tree["nodes"][0] = {{"if", "x"}, {"in", {"c0", "c62"}}, {"yes", 1}, {"no", 2}};
  const Result<DecisionTree> parsed = DecisionTree::Parse(Seal(tree));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(Classify(*parsed, std::array{0.0F}), "yes");
  EXPECT_EQ(Classify(*parsed, std::array{1.0F}), "no");
  EXPECT_EQ(Classify(*parsed, std::array{62.0F}), "yes");
  EXPECT_EQ(Classify(*parsed, std::array{63.0F}), "no");
}

TEST(DecisionTreeTest, MayBeASingleLeafThatReadsNothing) {
  ordered_json tree = OneTest("<", 1);
  tree["features"] = ordered_json::array();
  tree["nodes"] = ordered_json::parse(R"([{"class": "yes"}])");
  const Result<DecisionTree> parsed = DecisionTree::Parse(Seal(tree));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(Classify(*parsed, {}), "yes");
}

// ---- files that are wrong although their checksum fits ----

class InvalidTree : public testing::TestWithParam<Mutation> {};

TEST_P(InvalidTree, IsRefusedWithThePathOfWhatIsWrong) {
  ordered_json tree = ordered_json::parse(R"({
    "format": "forkcast.decision_tree", "format_version": 1, "name": "t", "version": "1",
    "features": [
      {"name": "level", "type": "number"},
      {"name": "open", "type": "bool"},
      {"name": "status", "type": "category", "categories": ["OK", "LATE"]}
    ],
    "classes": ["go", "stop"],
    "nodes": [
      {"if": "level", "<=": 0, "yes": 1, "no": 2},
      {"class": "stop"},
      {"if": "open", "is": true, "yes": 3, "no": 4},
      {"if": "status", "in": ["OK"], "yes": 5, "no": 6},
      {"class": "stop"}, {"class": "go"}, {"class": "stop"}
    ]
  })");
  ASSERT_TRUE(DecisionTree::Parse(Seal(tree)).ok());
  ASSERT_NO_FATAL_FAILURE(Apply(GetParam(), tree));
  const Result<DecisionTree> parsed = DecisionTree::Parse(Seal(tree));
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parsed.error().message, StartsWith(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InvalidTree,
    testing::Values(
        Mutation{"UnknownKey", "/classe", "1", "$.classe: unknown key"},
        Mutation{"AnotherFormat", "/format", "\"xgboost\"",
                 "$.format: expected forkcast.decision_tree"},
        Mutation{"ALaterVersion", "/format_version", "2",
                 "$.format_version: expected an integer from 1 to 1, got 2"},
        Mutation{"NoName", "/name", "", "$: missing key \"name\""},
        Mutation{"NoNodes", "/nodes", "[]", "$.nodes: expected at least one node"},
        Mutation{"ClassTwice", "/classes/1", "\"go\"", "$.classes[1]: given twice"},
        Mutation{"FeatureTwice", "/features/1/name", "\"level\"",
                 "$.features[1].name: given twice"},
        Mutation{"UnknownType", "/features/0/type", "\"float\"",
                 "$.features[0].type: expected number, bool or category"},
        Mutation{"CategoriesOfANumber", "/features/0/categories", R"(["x"])",
                 "$.features[0].categories: only a category has them"},
        Mutation{"NoCategories", "/features/2/categories", "[]",
                 "$.features[2].categories: expected 1 to 63 categories"},
        Mutation{"CategoryTwice", "/features/2/categories/1", "\"OK\"",
                 "$.features[2].categories[1]: given twice"},
        Mutation{"UnknownFeature", "/nodes/0/if", "\"stock\"",
                 "$.nodes[0].if: no feature \"stock\""},
        Mutation{"UnknownClass", "/nodes/1/class", "\"halt\"",
                 "$.nodes[1].class: no class \"halt\""},
        Mutation{"LeafWithATest", "/nodes/1/if", "\"level\"", "$.nodes[1].if: unknown key"},
        Mutation{"NoTest", "/nodes/0/<=", "", "$.nodes[0]: expected a test: <, <=, is or in"},
        Mutation{"TwoTests", "/nodes/0/<", "1", "$.nodes[0]: expected one test, got two"},
        Mutation{"UnknownTest", "/nodes/0/>", "1", "$.nodes[0].>: unknown key"},
        Mutation{"NumberTestOfABool", "/nodes/2", R"({"if": "open", "<": 1, "yes": 3, "no": 4})",
                 "$.nodes[2].<: feature \"open\" is no number"},
        Mutation{"BoolTestOfANumber", "/nodes/2",
                 R"({"if": "level", "is": true, "yes": 3, "no": 4})",
                 "$.nodes[2].is: feature \"level\" is no bool"},
        Mutation{"CategoryTestOfABool", "/nodes/2",
                 R"({"if": "open", "in": ["OK"], "yes": 3, "no": 4})",
                 "$.nodes[2].in: feature \"open\" is no category"},
        Mutation{"TextForANumber", "/nodes/0/<=", "\"0\"", "$.nodes[0].<=: expected a number"},
        Mutation{"LimitBeyondTheFloats", "/nodes/0/<=", "1e39", "$.nodes[0].<=: expected a number"},
        Mutation{"NumberForABool", "/nodes/2/is", "1", "$.nodes[2].is: expected true or false"},
        Mutation{"UnknownCategory", "/nodes/3/in/0", "\"EARLY\"",
                 "$.nodes[3].in[0]: no such category of the feature"},
        Mutation{"CategoryTwiceInATest", "/nodes/3/in", R"(["OK", "OK"])",
                 "$.nodes[3].in[1]: given twice"},
        Mutation{"NoChild", "/nodes/0/no", "", "$.nodes[0]: missing key \"no\""},
        Mutation{"ChildThatDoesNotExist", "/nodes/3/no", "7",
                 "$.nodes[3].no: expected an integer from 0 to 6, got 7"},
        Mutation{"NegativeChild", "/nodes/3/no", "-1",
                 "$.nodes[3].no: expected an integer from 0 to 6, got -1"},
        Mutation{"ChildBeforeItsParent", "/nodes/3/no", "1",
                 "$.nodes[3].no: a child comes after its parent"},
        Mutation{"NodeThatIsItsOwnChild", "/nodes/3/no", "3",
                 "$.nodes[3].no: a child comes after its parent"},
        Mutation{"ChildOfTwoTests", "/nodes/3/no", "5",
                 "$.nodes[3].no: two tests lead to this node"},
        Mutation{"NodeThatNoTestLeadsTo", "/nodes/7", R"({"class": "go"})",
                 "$.nodes[7]: no test leads here"},
        Mutation{"NodeThatIsNoObject", "/nodes/1", "5", "$.nodes[1]: expected an object, got 5"}),
    [](const auto& param) { return param.param.name; });

TEST(InvalidChecksum, MustNotBeInTheFileTwice) {
  std::string text = Seal(OneTest("<", 1));
  const std::string checksum = text.substr(text.find("xxh3-128:"), 9 + 32);
  text.replace(text.find("\"one\""), 5, '"' + checksum + '"');
  const Result<DecisionTree> parsed = DecisionTree::Parse(text);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().message,
            "$.checksum: these digits are in the file twice, so which of them is the checksum is "
            "not clear");
}

TEST(InvalidChecksum, IsToldItsForm) {
  const std::string sealed = Seal(OneTest("<", 1));
  const std::size_t at = sealed.find("xxh3-128:");
  for (const char* wrong : {"md5:0123", "xxh3-128:", "xxh3-128:00"}) {
    std::string text = sealed;
    text.replace(at, std::string("xxh3-128:").size() + 32, wrong);
    const Result<DecisionTree> parsed = DecisionTree::Parse(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().message,
              "$.checksum: expected \"xxh3-128:\" and 32 hexadecimal digits");
  }
}

}  // namespace
}  // namespace forkcast::model
