#include "model/tree/linear_forest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/double_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

using Source = LinearForestSource;
using Missing = Source::Input::Missing;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Of a price and a kind: where the price is at most 0.1, 10 + 2 price; else of kinds 1 and 3 20,
/// and of others 30 + price / 2.
Source Small() {
  return {.inputs = {{.name = "price"}, {.name = "kind", .is_category = true}},
          .trees = {{.tests = {{.input = 0, .most = 0.1, .left = ~0, .right = 1},
                               {.input = 1, .left = ~2, .right = ~1, .categories = {1, 3}}},
                     .leaves = {{.value = 1, .constant = 10, .terms = {{0, 2}}},
                                {.value = 2, .constant = 20},
                                {.value = 3, .constant = 30, .terms = {{0, 0.5}}}}}}};
}

/// 0.5 + 2 a - b, in float.
Source Line() {
  return {.arithmetic = Source::Arithmetic::kFloat,
          .inputs = {{.name = "a"}, {.name = "b"}},
          .trees = {{.leaves = {{.constant = 0.5, .terms = {{0, 2}, {1, -1}}}}}}};
}

std::vector<double> Predict(const LinearForest& forest, const std::vector<float>& rows) {
  std::vector<double> out(rows.size() / forest.inputs().size() * forest.outputs().size());
  forest.Predict(rows, out);
  return out;
}

double PredictSmall(const Source& source, double price, float kind) {
  const auto parts = SplitDouble(price);
  return Predict(LinearForest(source), {parts[0], parts[1], parts[2], kind})[0];
}

struct DoubleCase {
  const char* name;
  double number;
  friend std::ostream& operator<<(std::ostream& out, const DoubleCase& one) {
    return out << one.name;
  }
};

class DoubleInParts : public testing::TestWithParam<DoubleCase> {};

TEST_P(DoubleInParts, IsTheSameAgain) {
  const double number = GetParam().number;
  const double again = JoinDouble(SplitDouble(number));
  EXPECT_EQ(std::bit_cast<std::uint64_t>(again), std::bit_cast<std::uint64_t>(number));
}

INSTANTIATE_TEST_SUITE_P(Cases, DoubleInParts,
                         testing::Values(DoubleCase{"Zero", 0}, DoubleCase{"NegativeZero", -0.0},
                                         DoubleCase{"ATenth", 0.1}, DoubleCase{"Pi", -M_PI},
                                         DoubleCase{"TheGreatest", -1.7976931348623157e308},
                                         DoubleCase{"TheLeast", 5e-324},
                                         DoubleCase{"Infinity", -kInfinity},
                                         DoubleCase{"None", kNaN}),
                         [](const auto& param) { return param.param.name; });

TEST(DoubleParts, ThatAreNoneMakeNoNumber) {
  for (const float odd : {-1.0F, 4194304.0F, std::nanf(""), HUGE_VALF}) {
    EXPECT_TRUE(std::isnan(JoinDouble(std::array{1.0F, odd, 1.0F})));
  }
}

TEST(LinearForests, AnswerTheFunctionOfALeaf) {
  EXPECT_EQ(PredictSmall(Small(), 0.05, 0), 10.1);
  EXPECT_EQ(PredictSmall(Small(), 0.1, 0), 10.2);
  EXPECT_EQ(PredictSmall(Small(), std::nextafter(0.1, 1), 3), 20);
  EXPECT_EQ(PredictSmall(Small(), 4, 2), 32);
  EXPECT_EQ(PredictSmall(Small(), 1e300, 2), 5e299);
}

TEST(LinearForests, AnswerALeafsValueWhereANumberIsMissing) {
  Source source = Small();
  source.trees[0].tests[0].missing_goes_right = true;
  EXPECT_EQ(PredictSmall(source, kNaN, 0), 3);
  EXPECT_EQ(PredictSmall(source, kNaN, 1), 20);
  source.inputs[0].missing = Missing::kZero;
  EXPECT_EQ(PredictSmall(source, kNaN, 1), 1);
}

TEST(LinearForests, SendZeroTheDefaultWayWhereItIsMissing) {
  Source source = Small();
  source.trees[0].tests[0].missing_goes_right = true;
  EXPECT_EQ(PredictSmall(source, 0, 2), 10);
  source.inputs[0].missing = Missing::kDefaultOfZero;
  EXPECT_EQ(PredictSmall(source, 0, 2), 30);
  EXPECT_EQ(PredictSmall(source, -0.05, 2), 9.9);
}

TEST(LinearForests, SendCategoriesOfNoSetToTheLeft) {
  for (const float odd : {-0.5F, -1.0F, 2.9F, 4.0F, 3e9F, std::nanf(""), HUGE_VALF}) {
    EXPECT_EQ(PredictSmall(Small(), 4, odd), 32) << odd;
  }
  EXPECT_EQ(PredictSmall(Small(), 4, 3.9F), 20);
}

TEST(LinearForests, AddUpTreesByMarginAndDivideThem) {
  Source source = Small();
  source.margins = 2;
  source.trees.push_back({.margin = 1, .leaves = {{.value = 8, .constant = 8}}});
  source.trees.push_back({.margin = 1, .leaves = {{.value = 2, .constant = 2}}});
  source.divisor = 2;
  source.factor = 3;
  const auto parts = SplitDouble(4);
  EXPECT_THAT(Predict(LinearForest(source), {parts[0], parts[1], parts[2], 1}),
              ElementsAre(30, 15));
}

TEST(LinearForests, LeaveOutMissingTermsInFloat) {
  EXPECT_THAT(Predict(LinearForest(Line()), {1, 2, std::nanf(""), 2, 1, std::nanf("")}),
              ElementsAre(0.5, -1.5, 2.5));
}

TEST(LinearForests, RoundEveryProductInFloat) {
  Source source = Line();
  source.trees[0].leaves[0] = {.constant = 1, .terms = {{0, 0.1F}}};
  const float product = 0.1F * 3.3F;
  EXPECT_EQ(Predict(LinearForest(source), {3.3F, 0})[0], double{1.0F + product});
}

TEST(LinearForests, GoThroughTheLink) {
  Source source = Line();
  source.link = Link::kExp;
  EXPECT_EQ(Predict(LinearForest(source), {0, 0})[0], double{std::exp(0.5F)});
}

TEST(LinearForests, ReadWhatTheyWrite) {
  Source source = Small();
  source.trees[0].tests[0].most = kInfinity;
  source.inputs[0].missing = Missing::kDefaultOfZero;
  source.link = Link::kSignedSquare;
  for (const Source& one : {source, Small(), Line()}) {
    const std::string text = LinearForest(one).Write();
    const Result<LinearForest> again = LinearForest::Parse(text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->source(), one);
    EXPECT_EQ(again->Write(), text);
  }
}

// ---- what is refused ----

/// A change of the small model's document.
struct BadCase {
  const char* name;
  const char* place;
  const char* value;
  std::string_view error;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& one) { return out << one.name; }
};

class BadForest : public testing::TestWithParam<BadCase> {};

TEST_P(BadForest, IsRefusedWithItsPlace) {
  ordered_json document = ordered_json::parse(LinearForest(Small()).Write());
  document[ordered_json::json_pointer(GetParam().place)] = ordered_json::parse(GetParam().value);
  const Result<LinearForest> forest = LinearForest::Parse(document.dump());
  ASSERT_FALSE(forest);
  EXPECT_THAT(forest.error().message, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadForest,
    testing::Values(
        BadCase{"OfAnotherFormat", "/format", R"("forkcast.linear")", "$.format: expected"},
        BadCase{"OfALaterVersion", "/format_version", "2", "$.format_version"},
        BadCase{"OfUnknownArithmetic", "/arithmetic", R"("half")", "$.arithmetic: \"half\""},
        BadCase{"OfNoInputs", "/inputs", "[]", "$.inputs: expected 1 to 65536"},
        BadCase{"OfAnUnknownKind", "/inputs/0/kind", R"("text")", "$.inputs[0].kind"},
        BadCase{"OfAnUnknownMissing", "/inputs/0/missing", R"("never")", "$.inputs[0].missing"},
        BadCase{"OfNoMargins", "/margins", "0", "$.margins"},
        BadCase{"DividedByZero", "/divisor", "0.0", "$.divisor: expected another number than 0"},
        BadCase{"OfAnUnknownLink", "/link", R"("cube")", "$.link"},
        BadCase{"OfAMarginOutside", "/trees/0/margin", "1", "$.trees[0].margin"},
        BadCase{"OfTooFewLeaves", "/trees/0/leaves", "[]", "one more of these"},
        BadCase{"OfATestThatIsNone", "/trees/0/tests/0", "[0, 1]", "test 0: expected a list"},
        BadCase{"OfAnInputOutside", "/trees/0/tests/0/0", "2", "test 0: expected the position"},
        BadCase{"ThatGoesBack", "/trees/0/tests/1/2", "0", "test 1: expected children"},
        BadCase{"ThatGoesToItself", "/trees/0/tests/1/3", "1", "test 1: expected children"},
        BadCase{"ThatGoesOutside", "/trees/0/tests/0/3", "2", "test 0: expected children"},
        BadCase{"OfALeafOutside", "/trees/0/tests/0/2", "-4", "test 0: expected children"},
        BadCase{"OfAChildThatIsNone", "/trees/0/tests/0/2", "0.5", "test 0: expected children"},
        BadCase{"OfAFlagThatIsNone", "/trees/0/tests/0/4", "1", "test 0: expected true or false"},
        BadCase{"OfCategoriesThatAreNone", "/trees/0/tests/1/1", "3", "a list of categories"},
        BadCase{"OfCategoriesOutOfOrder", "/trees/0/tests/1/1", "[3, 1]", "ascending"},
        BadCase{"OfACategoryBeyondAll", "/trees/0/tests/1/1", "[16777216]", "ascending"},
        BadCase{"OfAThresholdThatIsNone", "/trees/0/tests/0/1", R"("x")", "test 0: expected num"},
        BadCase{"OfALeafThatIsNone", "/trees/0/leaves/1", "[1, 2, []]", "leaf 1: expected a value"},
        BadCase{"OfListsOfTwoLengths", "/trees/0/leaves/0/3", "[1, 2]", "two lists of one length"},
        BadCase{"OfATermOutside", "/trees/0/leaves/0/2/0", "2", "leaf 0: expected the position"},
        BadCase{"OfATermOfACategory", "/trees/0/leaves/0/2/0", "1", "leaf 0: a term of a category"},
        BadCase{"OfNumbersThatNoFloatHolds", "/arithmetic", R"("float")", "the arithmetic holds"}),
    [](const auto& param) { return param.param.name; });

TEST(LinearForests, RefuseATextCutShortAnywhere) {
  const std::string text = LinearForest(Small()).Write();
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(LinearForest::Parse(text.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace forkcast::model
