#include "serving/routes/route.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "serving/routes/shop.hpp"

namespace forkcast::serving {
namespace {

using testing::HasSubstr;

struct RefusedCase {
  std::string name;
  std::string route;
  std::string why;
};

class UnfitRoute : public testing::TestWithParam<RefusedCase> {};

TEST_P(UnfitRoute, IsRefusedNamingThePlace) {
  const auto bound = BindOne(GetParam().route);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bound.error().message, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UnfitRoute,
    testing::Values(
        RefusedCase{"AFieldThatThereIsNot",
                    R"({"method": "POST", "path": "/p", "rows": "$", "row": {"shop": "shop"},
                        "answer": 1})",
                    "$[0].row.shop: there is no field \"shop\"; there are: store, product, price"},
        RefusedCase{"APathThatNamesNoField",
                    R"({"method": "GET", "path": "/p/{item}", "answer": 1})",
                    "$[0].path: there is no field \"item\""},
        RefusedCase{"AConstantOfNoField",
                    R"({"method": "POST", "path": "/p", "rows": "$", "constants": {"step": 1},
                        "answer": 1})",
                    "$[0].constants.step: there is no field \"step\""},
        RefusedCase{"AConstantOfAnotherType",
                    R"({"method": "POST", "path": "/p", "rows": "$", "constants": {"steps": "1"},
                        "answer": 1})",
                    "$[0].constants.steps: expected an integer"},
        RefusedCase{"ADefaultOfAnotherType",
                    R"({"method": "POST", "path": "/p", "rows": "$",
                        "query": {"n": {"field": "steps", "default": "a"}}, "answer": 1})",
                    "$[0].query.n.default: expected an integer"},
        RefusedCase{"AFormatOfNoTime",
                    R"({"method": "POST", "path": "/p", "rows": "$",
                        "query": {"n": {"field": "steps", "format": "YYYY"}}, "answer": 1})",
                    "$[0].query.n: \"steps\" is no time that could have a format"},
        RefusedCase{"ARequiredFieldThatNothingGives",
                    R"({"method": "GET", "path": "/p/{product}", "answer": 1})",
                    "$[0]: nothing gives the field \"store\", which is required"},
        RefusedCase{"AnAnswerThatNamesNothing",
                    R"({"method": "POST", "path": "/p", "rows": "$", "answer": {"$rows": "$sum"}})",
                    "$[0].answer.$rows: there is no $sum here"},
        RefusedCase{"AValueWhereNothingIsAsked",
                    R"({"method": "GET", "path": "/health", "answer": "$value"})",
                    "$[0].answer: there is no $value here"},
        RefusedCase{"AValueOfWhicheverStep",
                    R"({"method": "POST", "path": "/p", "rows": "$", "constants": {"steps": 2},
                        "answer": {"$rows": "$value"}})",
                    "$[0].answer.$rows: $value is a value of each step"},
        RefusedCase{"AnErrorThatNamesAValue",
                    R"({"method": "POST", "path": "/p", "rows": "$", "answer": 1,
                        "errors": {"body": "$value"}})",
                    "$[0].errors.body: there is no $value here"},
        RefusedCase{"AnErrorOfARowWhereThereAreNone",
                    R"({"method": "GET", "path": "/p/{store}/{product}", "answer": 1,
                        "errors": {"row": null}})",
                    "$[0].errors.row: a request of this route is one row"}),
    [](const auto& param) { return param.param.name; });

TEST(Route, AsksNothingWhereItTakesNothing) {
  EXPECT_FALSE(
      Bound(R"({"method": "GET", "path": "/health", "answer": {"status": "OK"}})").spec().asks());
}

TEST(Route, TakesRowsWithTheFieldsThatNothingElseGives) {
  const Route route = Bound(R"({"method": "POST", "path": "/p", "rows": "input",
                                "all": {"shop": "store"}, "answer": 1})");
  std::vector<std::string> names;
  for (const Route::Input& input : route.inputs()) names.push_back(input.name);
  EXPECT_EQ(names, (std::vector<std::string>{"shop", "product", "price", "open"}));
}

TEST(Route, KnowsWhatCallersCallAField) {
  const Route route = Bound(
      R"({"method": "POST", "path": "/p", "rows": "$",
          "row": {"shop": "store", "item": "product"}, "constants": {"steps": 1},
          "query": {"days": {"fields": ["from", "to"], "format": "YYYY-MM-DD"}}, "answer": 1})");
  EXPECT_EQ(route.CallersName("store"), "shop");
  EXPECT_EQ(route.CallersName("to"), "days");
  EXPECT_EQ(route.CallersName("steps"), "steps");
  EXPECT_EQ(route.CallersName("lag_1"), "lag_1");
}

TEST(Route, GivesErrorsTheStatusThatItDeclares) {
  const Route route = Bound(R"({"method": "GET", "path": "/p/{store}/{product}", "answer": 1,
                "errors": {"status": {"not_found": 400, "invalid_argument": 422}}})");
  EXPECT_EQ(route.StatusOf(ErrorCode::kNotFound), 400);
  EXPECT_EQ(route.StatusOf(ErrorCode::kInvalidArgument), 422);
  EXPECT_EQ(route.StatusOf(ErrorCode::kTooLarge), 413);
  EXPECT_EQ(route.StatusOf(ErrorCode::kInternal), 500);
}

TEST(Route, GivesAllErrorsOfCallersOneStatus) {
  const Route route = Bound(R"({"method": "GET", "path": "/p/{store}/{product}", "answer": 1,
                                "errors": {"status": 400}})");
  EXPECT_EQ(route.StatusOf(ErrorCode::kNotFound), 400);
  EXPECT_EQ(route.StatusOf(ErrorCode::kDeadlineExceeded), 504);
}

}  // namespace
}  // namespace forkcast::serving
