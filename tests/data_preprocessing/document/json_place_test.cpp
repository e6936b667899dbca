#include "data_preprocessing/document/json_place.hpp"

#include <gtest/gtest.h>

#include <string>

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kText = R"({
  "name": "a \" b",
  "list": [1, {"x": [true, "y"]}, [], "z"],
  "a": {"b": {"c": 1}},
  "a.b": 2,
  "\u00e4": {"n": null},
  "empty": {}, "last": -1.5e3
})";

struct PlaceCase {
  std::string name;
  std::string message;
  TextPlace place;
};

class PlaceOfAMessage : public testing::TestWithParam<PlaceCase> {};

TEST_P(PlaceOfAMessage, IsWhereItsPathBegins) {
  const TextPlace place = PlaceOf(kText, GetParam().message);
  EXPECT_EQ(place.line, GetParam().place.line);
  EXPECT_EQ(place.column, GetParam().place.column);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PlaceOfAMessage,
    testing::Values(PlaceCase{"WithoutPathIsTheBeginning", "not JSON", {1, 1}},
                    PlaceCase{"OfTheWholeIsTheBeginning", "$: missing key \"x\"", {1, 1}},
                    PlaceCase{"OfAMemberIsItsName", "$.name: expected a number", {2, 3}},
                    PlaceCase{"OfAnElement", "$.list[0]: bad", {3, 12}},
                    PlaceCase{"OfAnObjectInAList", "$.list[1]: missing key", {3, 15}},
                    PlaceCase{"OfAMemberInAList", "$.list[1].x: bad", {3, 16}},
                    PlaceCase{"OfATextInAListInAList", "$.list[1].x[1]: bad", {3, 28}},
                    PlaceCase{"OfAnEmptyList", "$.list[2]: bad", {3, 35}},
                    PlaceCase{"OfATextBehindObjects", "$.list[3]: bad", {3, 39}},
                    PlaceCase{"OfAnObjectWithinObjects", "$.a.b.c: bad", {4, 15}},
                    PlaceCase{"OfANameWithADotIsTheNameThatIsThere", "$.a.b: bad", {4, 9}},
                    PlaceCase{"OfANameThatIsEscaped", "$.\u00e4.n: bad", {6, 14}},
                    PlaceCase{"BehindAnEmptyObject", "$.last: bad", {7, 16}},
                    PlaceCase{"OfWhatIsNotWrittenIsTheNearestAround", "$.a.b.d.e: missing", {4, 9}},
                    PlaceCase{"OfAnElementBeyondTheEndIsTheList", "$.list[9]: bad", {3, 3}},
                    PlaceCase{"OfANameThatOnlyBeginsAlikeIsNotThat", "$.lastly: unknown", {1, 1}}),
    [](const auto& param) { return param.param.name; });

TEST(PlaceOf, OfWhatIsNoJsonIsSomePlaceInIt) {
  for (const std::string text : {"", "{", "[", "\"", "{\"a", "]]}}", "{\"a\": [1, {\"b\"", "\\"}) {
    const TextPlace place = PlaceOf(text, "$.a[1].b: bad");
    EXPECT_EQ(place.line, 1U);
    EXPECT_LE(place.column, text.size() + 1);
  }
}

TEST(PlaceOf, OfATextThatIsDeepTakesNoMoreThanItsDepth) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(PlaceOf(deep, "$[0][0][0]: bad"), (TextPlace{1, 4}));
}

}  // namespace
}  // namespace forkcast::preprocessing
