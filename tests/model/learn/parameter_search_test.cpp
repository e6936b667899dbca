#include "model/learn/parameter_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <set>

#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

SearchSpec Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadSearchSpec(JsonNode(json));
}

/// The points, each as "a=1 b=\"x\"".
std::vector<std::string> Points(const SearchSpec& spec, const CheckAssignment& check = {}) {
  const auto points = EnumerateAssignments(spec, check);
  if (!points) return {points.error().message};
  std::vector<std::string> texts;
  for (const Assignment& point : *points) {
    std::string text;
    for (const auto& [name, value] : point) {
      text += (text.empty() ? "" : " ") + name + "=" + value.dump();
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

TEST(Grid, HasEveryPointWithTheLastParameterChangingFastest) {
  EXPECT_THAT(Points(Read(R"({"parameters": {"a": [1, 2], "b": ["x", null, [0.5]]}})")),
              ElementsAre("a=1 b=\"x\"", "a=1 b=null", "a=1 b=[0.5]", "a=2 b=\"x\"", "a=2 b=null",
                          "a=2 b=[0.5]"));
}

TEST(Grid, LeavesOutPointsThatCannotBeTried) {
  const SearchSpec spec = Read(R"({"parameters": {"a": [1, 2, 3]}})");
  EXPECT_THAT(Points(spec,
                     [](const Assignment& point) -> Status {
                       if (point[0].second == 2) return Error{ErrorCode::kInvalidArgument, "two"};
                       return {};
                     }),
              ElementsAre("a=1", "a=3"));
}

TEST(Search, WithoutAValidPointSaysTheFirstReason) {
  const SearchSpec spec = Read(R"({"parameters": {"a": [1, 2]}})");
  const auto points = EnumerateAssignments(spec, [](const Assignment& point) -> Status {
    return Error{ErrorCode::kInvalidArgument, point[0].second.dump() + " is odd", "a"};
  });
  EXPECT_EQ(points.error(), (Error{ErrorCode::kInvalidArgument,
                                   "no point of the search is valid; the first: 1 is odd", "a"}));
}

TEST(Search, OfNothingIsAnError) {
  EXPECT_THAT(Points({}), ElementsAre("no parameter to search over"));
  EXPECT_THAT(Points({.parameters = {{.name = "a", .values = {}}}}),
              ElementsAre("no value to try"));
}

TEST(Search, OfAGridBeyondAMillionNeedsANumberOfPoints) {
  SearchSpec spec;
  for (int i = 0; i < 7; ++i) {
    std::vector<nlohmann::ordered_json> values;
    for (int value = 0; value < 10; ++value) values.emplace_back(value);
    spec.parameters.push_back({.name = "p" + std::to_string(i), .values = values});
  }
  EXPECT_THAT(Points(spec), ElementsAre(HasSubstr("needs \"points\"")));
  spec.points = 50;
  const std::vector<std::string> points = Points(spec);
  EXPECT_EQ(std::set(points.begin(), points.end()).size(), 50U);
}

TEST(RandomSearch, DrawsPointsOfAGridWithoutRepeatingOne) {
  SearchSpec spec = Read(R"({"parameters": {"a": [1, 2, 3, 4], "b": [1, 2, 3]}, "points": 5})");
  std::vector<std::string> drawn = Points(spec);
  EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), 5U);
  EXPECT_EQ(Points(spec), drawn);
  spec.seed = 1;
  EXPECT_NE(Points(spec), drawn);
  spec.points = 100;
  EXPECT_EQ(Points(spec).size(), 12U);
}

TEST(RandomSearch, GoesOnUntilEnoughPointsAreValid) {
  const SearchSpec spec = Read(R"({"parameters": {"a": [1, 2, 3, 4]}, "points": 2})");
  const auto odd = [](const Assignment& point) -> Status {
    if (point[0].second.get<int>() % 2 == 1) return {};
    return Error{ErrorCode::kInvalidArgument, "even"};
  };
  std::vector<std::string> points = Points(spec, odd);
  std::ranges::sort(points);
  EXPECT_THAT(points, ElementsAre("a=1", "a=3"));
}

TEST(RandomSearch, DrawsEvenlyFromRanges) {
  const SearchSpec spec = Read(
      R"({"parameters": {"rate": {"from": 0.01, "to": 1, "scale": "log"},
                         "share": {"from": 0.0, "to": 1}}, "points": 2000, "seed": 3})");
  const auto points = EnumerateAssignments(spec, {});
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 2000U);
  double log_sum = 0;
  double sum = 0;
  for (const Assignment& point : *points) {
    const auto rate = point[0].second.get<double>();
    ASSERT_GE(rate, 0.01);
    ASSERT_LE(rate, 1);
    log_sum += std::log10(rate);
    sum += point[1].second.get<double>();
  }
  EXPECT_NEAR(log_sum / 2000, -1, 0.05);  // standard error 0.013
  EXPECT_NEAR(sum / 2000, 0.5, 0.03);     // standard error 0.0065
}

TEST(RandomSearch, FindsAllIntegersOfASmallRange) {
  for (const char* scale : {"linear", "log"}) {
    const std::vector<std::string> points =
        Points(Read(std::string(R"({"parameters": {"depth": {"from": 3, "to": 6, "scale": ")") +
                    scale + R"("}}, "points": 10})"));
    EXPECT_THAT(points, testing::UnorderedElementsAre("depth=3", "depth=4", "depth=5", "depth=6"));
  }
}

struct BadSearch {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const BadSearch& one, std::ostream* out) { *out << one.name; }

class BadSearchTest : public testing::TestWithParam<BadSearch> {};

TEST_P(BadSearchTest, IsRefusedWithItsPlace) {
  EXPECT_THAT(SpecErrorOf([] { Read(GetParam().text); }), StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadSearchTest,
    testing::Values(
        BadSearch{"WithoutParameters", "{}", "$: missing key \"parameters\""},
        BadSearch{"OfNoParameter", R"({"parameters": {}})", "$.parameters: expected at least"},
        BadSearch{"WithoutValues", R"({"parameters": {"a": []}})", "$.parameters.a: expected at"},
        BadSearch{"OfAValueTwice", R"({"parameters": {"a": [1, 2, 1]}})",
                  "$.parameters.a[2]: given twice"},
        BadSearch{"OfARangeWithoutPoints", R"({"parameters": {"a": {"from": 1, "to": 2}}})",
                  "$.parameters.a: a range needs \"points\""},
        BadSearch{"OfARangeUpsideDown",
                  R"({"parameters": {"a": {"from": 2, "to": 1}}, "points": 3})",
                  "$.parameters.a.to: expected more than"},
        BadSearch{"OfALogarithmOfZero",
                  R"({"parameters": {"a": {"from": 0, "to": 1, "scale": "log"}}, "points": 3})",
                  "$.parameters.a.from: expected more than 0"},
        BadSearch{"OfAMillionPoints",
                  R"({"parameters": {"a": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                                     "b": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                                     "c": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                                     "d": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                                     "e": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                                     "f": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}})",
                  "$.parameters: a grid of 1000000 points, each of which is trained and judged in "
                  "all folds: say by \"points\" how many"},
        BadSearch{"OfNoPoints", R"({"parameters": {"a": [1]}, "points": 0})",
                  "$.points: expected"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::model
