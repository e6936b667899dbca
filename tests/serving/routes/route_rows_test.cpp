#include "serving/routes/route_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/routes/shop.hpp"
#include "serving/wire/decode.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kForm = "application/x-www-form-urlencoded";

/// A route, asked; in steps of one row.
class Asked {
 public:
  explicit Asked(std::string_view declaration, wire::DecoderLimits limits = {})
      : route_(Bound(declaration)), rows_(route_, limits), decoded_(route_.question()) {}

  struct Request {
    std::string_view body{};
    std::string_view query{};
    std::string_view content_type{};
    std::vector<std::string_view> segments{};
  };

  Status Ask(const Request& request) {
    body_.emplace(request.body);
    Status started = rows_.Start({.segments = request.segments,
                                  .query = request.query,
                                  .content_type = request.content_type,
                                  .body = body_->view()},
                                 decoded_);
    while (started) {
      const Result<bool> read = rows_.Continue(1);
      if (!read) return read.error();
      if (*read) break;
    }
    return started;
  }

  /// The good rows, without what is missing.
  [[nodiscard]] json Rows() const {
    json rows = json::array();
    for (const json& values : wire::ToJson(decoded_.rows)) {
      json row = json::object();
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!values[i].is_null()) row[route_.question().columns[i].name] = values[i];
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }
  [[nodiscard]] const std::vector<wire::RowError>& errors() const { return decoded_.errors; }
  [[nodiscard]] std::string Sent(std::size_t row, std::string_view member = {}) const {
    std::string out;
    rows_.AppendRequest(row, member, out);
    return out;
  }

 private:
  Route route_;
  RouteRows rows_;
  wire::DecodedRequest decoded_;
  std::optional<wire::PaddedBody> body_;
};

std::int64_t Micros(std::string_view text) {
  return ToMicros(preprocessing::ParseTimestamp(text, {}).value());
}

constexpr std::string_view kByPath =
    R"({"method": "GET", "path": "/predict/{store}/{product}", "answer": 1,
        "query": {"days": {"field": "steps", "default": 3},
                  "from": {"field": "from", "format": "YYYY-MM"}}})";
constexpr std::string_view kRowsOfABody =
    R"({"method": "POST", "path": "/predict", "rows": "input", "answer": 1,
        "row": {"store_id": "store", "item": "product", "price": "price", "open": "open"},
        "all": {"date": "origin"}, "constants": {"steps": 1}})";
constexpr std::string_view kBodyOfRows =
    R"({"method": "POST", "path": "/predict", "rows": "$", "answer": 1})";
constexpr std::string_view kRange =
    R"({"method": "POST", "path": "/predict", "answer": 1,
        "all": {"dates": {"fields": ["from", "to"], "format": "YYYY-MM", "required": true}},
        "constants": {"store": 1, "product": "p"}})";

TEST(RouteRows, AreOneOfAPathAndAQuery) {
  Asked asked(kByPath);
  ASSERT_TRUE(asked.Ask({.query = "days=2&from=2021-03", .segments = {"7", "0042"}}).ok());
  EXPECT_EQ(
      asked.Rows(),
      json::array(
          {{{"store", 7}, {"product", "0042"}, {"steps", 2}, {"from", Micros("2021-03-01")}}}));
  EXPECT_EQ(asked.Sent(0), R"({"store":"7","product":"0042","days":"2","from":"2021-03"})");
}

TEST(RouteRows, HaveTheDefaultOfWhatIsNotSent) {
  Asked asked(kByPath);
  ASSERT_TRUE(asked.Ask({.query = "days=", .segments = {"7", "p"}}).ok());
  EXPECT_EQ(asked.Rows(), json::parse(R"([{"store": 7, "product": "p", "steps": 3}])"));
}

TEST(RouteRows, HaveWhatStandsBesideThemAndTheConstants) {
  Asked asked(kRowsOfABody);
  ASSERT_TRUE(asked
                  .Ask({.body = R"({"input": [{"store_id": 1, "item": "a"},
                                              {"item": "b", "store_id": 2, "price": 3}],
                                    "date": "2022-05-30", "unknown": [{}]})"})
                  .ok());
  const auto date = Micros("2022-05-30");
  EXPECT_EQ(asked.Rows(),
            json::array(
                {{{"store", 1}, {"product", "a"}, {"origin", date}, {"steps", 1}},
                 {{"store", 2}, {"product", "b"}, {"price", 3}, {"origin", date}, {"steps", 1}}}));
  EXPECT_EQ(asked.Sent(1), R"({"item":"b","store_id":2,"price":3})");
  EXPECT_EQ(asked.Sent(1, "store_id"), "2");
  EXPECT_EQ(asked.Sent(1, "none"), "null");
}

TEST(RouteRows, MayBeNone) {
  Asked asked(kRowsOfABody);
  ASSERT_TRUE(asked.Ask({.body = R"({"input": []})"}).ok());
  EXPECT_EQ(asked.Rows(), json::array());
}

struct TypeCase {
  std::string name;
  std::string row;
  std::string expected;  // the row, or, if it is wrong, its error
  std::string field;     // of the error
};

class RowOfABody : public testing::TestWithParam<TypeCase> {};

TEST_P(RowOfABody, IsReadByTheTypeOfItsFields) {
  Asked asked(kBodyOfRows);
  ASSERT_TRUE(asked.Ask({.body = "[" + GetParam().row + "]"}).ok());
  if (GetParam().field.empty()) {
    ASSERT_THAT(asked.errors(), SizeIs(0)) << asked.errors().front().error.message;
    EXPECT_EQ(asked.Rows(), json::array({json::parse(GetParam().expected)}));
  } else {
    ASSERT_THAT(asked.errors(), SizeIs(1));
    EXPECT_THAT(asked.errors()[0].error.message, HasSubstr(GetParam().expected));
    EXPECT_EQ(asked.errors()[0].error.field, GetParam().field == "-" ? "" : GetParam().field);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RowOfABody,
    testing::Values(TypeCase{"AnIntegerAsText", R"({"store": "55", "product": "p"})",
                             R"({"store": 55, "product": "p"})", ""},
                    TypeCase{"ATextAsAnInteger", R"({"store": 1, "product": 1866})",
                             R"({"store": 1, "product": "1866"})", ""},
                    TypeCase{"ATextKeepsItsZeros", R"({"store": 1, "product": "0042"})",
                             R"({"store": 1, "product": "0042"})", ""},
                    TypeCase{"ANumberAsText", R"({"store": 1, "product": "p", "price": "2.5"})",
                             R"({"store": 1, "product": "p", "price": 2.5})", ""},
                    TypeCase{"ABooleanAsText", R"({"store": 1, "product": "p", "open": "true"})",
                             R"({"store": 1, "product": "p", "open": true})", ""},
                    TypeCase{"NullIsAbsent", R"({"store": 1, "product": "p", "price": null})",
                             R"({"store": 1, "product": "p"})", ""},
                    TypeCase{"WhatTheRouteDoesNotKnow", R"({"store": 1, "x": [1], "product": "p"})",
                             R"({"store": 1, "product": "p"})", ""},
                    TypeCase{"AFractionForAnInteger", R"({"store": 1.5, "product": "p"})",
                             "expected an integer of 64 bits, got a number 1.5", "store"},
                    TypeCase{"AFractionForAText", R"({"store": 1, "product": 1.5})",
                             "expected text or an integer, got a number 1.5", "product"},
                    TypeCase{"TooLargeAnInteger",
                             R"({"store": 9223372036854775808, "product": "p"})",
                             "expected an integer of 64 bits", "store"},
                    TypeCase{"NoNumberAsText", R"({"store": "a", "product": "p"})",
                             "expected an integer", "store"},
                    TypeCase{"ANumberForABoolean", R"({"store": 1, "product": "p", "open": 1})",
                             "expected true or false, got a number 1", "open"},
                    TypeCase{"AnObject", R"({"store": {}, "product": "p"})",
                             "expected an integer of 64 bits, got an object", "store"},
                    TypeCase{"AFieldTwice", R"({"store": 1, "product": "p", "store": 1})",
                             "field is given twice", "store"},
                    TypeCase{"ARequiredFieldIsAbsent", R"({"store": 1})",
                             "required field is missing", "product"},
                    TypeCase{"ARequiredFieldIsNull", R"({"store": null, "product": "p"})",
                             "required field is missing", "store"},
                    TypeCase{"NoObject", "[1]", "expected a JSON object, got an array", "-"}),
    [](const auto& param) { return param.param.name; });

TEST(RouteRows, LeaveBadOnesAside) {
  Asked asked(kBodyOfRows);
  ASSERT_TRUE(
      asked.Ask({.body = R"([{"store": 1, "product": "a"}, 7, {"store": 2, "product": "b"}])"})
          .ok());
  EXPECT_THAT(asked.Rows(), SizeIs(2));
  ASSERT_THAT(asked.errors(), SizeIs(1));
  EXPECT_EQ(asked.errors()[0].row, 1U);
  EXPECT_EQ(asked.Sent(1), "7");
}

TEST(RouteRows, ForgetTheRequestBefore) {
  Asked asked(kRowsOfABody);
  ASSERT_TRUE(asked
                  .Ask({.body = R"({"input": [{"store_id": 1, "item": "a", "price": 2}],
                                    "date": "2022-05-30"})"})
                  .ok());
  ASSERT_TRUE(asked.Ask({.body = R"({"input": [{"store_id": 1, "item": "a"}]})"}).ok());
  EXPECT_EQ(asked.Rows(), json::parse(R"([{"store": 1, "product": "a", "steps": 1}])"));
}

struct RangeCase {
  std::string name;
  std::string form;
  std::string from;  // empty: refused
  std::string to;
};

class RangeOfMonths : public testing::TestWithParam<RangeCase> {};

TEST_P(RangeOfMonths, IsItsBeginAndEnd) {
  Asked asked(kRange);
  const Status answered = asked.Ask({.body = GetParam().form, .content_type = kForm});
  if (GetParam().from.empty()) {
    ASSERT_FALSE(answered.ok());
    EXPECT_EQ(answered.error().field, "dates");
    return;
  }
  ASSERT_TRUE(answered.ok()) << answered.error().message;
  EXPECT_EQ(asked.Rows()[0]["from"], Micros(GetParam().from));
  EXPECT_EQ(asked.Rows()[0]["to"], Micros(GetParam().to));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RangeOfMonths,
    testing::Values(RangeCase{"OneMonth", "dates=2021-02", "2021-02-01", "2021-02-01"},
                    RangeCase{"TwoMonths", "dates=2021-02+2021-05", "2021-02-01", "2021-05-01"},
                    RangeCase{"TwoMonthsEscaped", "dates=2021-02%202021-05", "2021-02-01",
                              "2021-05-01"},
                    RangeCase{"ThreeMonths", "dates=2021-02+2021-03+2021-05", "", ""},
                    RangeCase{"TwoBlanks", "dates=2021-02++2021-05", "", ""},
                    RangeCase{"ABlankBehind", "dates=2021-02+", "", ""},
                    RangeCase{"NoMonth", "dates=2021-13", "", ""},
                    RangeCase{"Nothing", "dates=", "", ""},
                    RangeCase{"NoField", "date=2021-02", "", ""},
                    RangeCase{"GivenTwice", "dates=2021-02&dates=2021-03", "", ""},
                    RangeCase{"AMalformedEscape", "dates=2021%2-02", "", ""}),
    [](const auto& param) { return param.param.name; });

TEST(RouteRows, TakeAFormsFieldsFromJsonToo) {
  Asked asked(kRange);
  ASSERT_TRUE(asked.Ask({.body = R"({"dates": "2021-02 2021-03", "more": 1})"}).ok());
  EXPECT_EQ(asked.Rows()[0]["to"], Micros("2021-03-01"));
  EXPECT_EQ(asked.Sent(0), R"({"dates":"2021-02 2021-03","more":1})");
}

TEST(RouteRows, TellBlanksWithinTimesFromTheOneBetween) {
  Asked asked(R"({"method": "GET", "path": "/p/{store}/{product}", "answer": 1,
                  "query": {"at": {"fields": ["from", "to"], "format": "YYYY-MM-DD HH:MM"}}})");
  ASSERT_TRUE(
      asked.Ask({.query = "at=2021-02-03+04:05+2021-02-03+06:07", .segments = {"1", "p"}}).ok());
  EXPECT_EQ(asked.Rows()[0]["from"], Micros("2021-02-03 04:05:00"));
  EXPECT_EQ(asked.Rows()[0]["to"], Micros("2021-02-03 06:07:00"));
}

struct RefusedCase {
  std::string name;
  std::string body;
  std::string why;
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string field{};
  std::string content_type{};
};

class RefusedBody : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedBody, IsAnErrorOfTheWholeRequest) {
  Asked asked(kRowsOfABody, {.max_depth = 8, .max_rows = 2});
  const Status answered =
      asked.Ask({.body = GetParam().body, .content_type = GetParam().content_type});
  ASSERT_FALSE(answered.ok());
  EXPECT_EQ(answered.error().code, GetParam().code);
  EXPECT_THAT(answered.error().message, HasSubstr(GetParam().why));
  EXPECT_EQ(answered.error().field, GetParam().field);
  EXPECT_THAT(asked.Rows(), SizeIs(0));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedBody,
    testing::Values(
        RefusedCase{"Nothing", "", "the body is empty"},
        RefusedCase{"NoJson", "{", "not valid JSON"},
        RefusedCase{"SomethingBehind", R"({"input": []} 1)", "not valid JSON"},
        RefusedCase{"NoUtf8", "{\"input\": [{\"item\": \"\xFF\"}]}", "not UTF-8"},
        RefusedCase{"TooDeep", R"({"a": [[[[[[[[[[1]]]]]]]]]], "input": []})", "nested too deep"},
        RefusedCase{"AnArray", "[]", "expected a JSON object, got an array"},
        RefusedCase{"NoRows", R"({"date": "2022-05-30"})", "required field is missing",
                    ErrorCode::kInvalidArgument, "input"},
        RefusedCase{"RowsThatAreNone", R"({"input": {}})",
                    "expected an array of rows, got an object", ErrorCode::kInvalidArgument,
                    "input"},
        RefusedCase{"RowsTwice", R"({"input": [], "input": []})", "given twice",
                    ErrorCode::kInvalidArgument, "input"},
        RefusedCase{"WhatHoldsForAllTwice", R"({"date": "2022-05-30", "date": null, "input": []})",
                    "given twice", ErrorCode::kInvalidArgument, "date"},
        RefusedCase{"WhatHoldsForAllIsWrong", R"({"input": [], "date": "May"})",
                    "expected a timestamp", ErrorCode::kInvalidArgument, "date"},
        RefusedCase{"TooManyRows", R"({"input": [1, 2, 3]})", "more than 2 rows",
                    ErrorCode::kTooLarge},
        RefusedCase{"OtherText", R"({"input": []})", "expected application/json",
                    ErrorCode::kUnsupportedType, "Content-Type", "text/plain"},
        RefusedCase{"Csv", "input\n", "expected application/json", ErrorCode::kUnsupportedType,
                    "Content-Type", "text/csv"},
        RefusedCase{"AFormOfRows", "input=1", "expected application/json",
                    ErrorCode::kUnsupportedType, "Content-Type", std::string(kForm)}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
