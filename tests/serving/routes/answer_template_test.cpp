#include "serving/routes/answer_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/routes/shop.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;
using testing::HasSubstr;

Instant At(std::string_view text) { return preprocessing::ParseTimestamp(text, {}).value(); }

/// Rows of names "who" and "day", with steps of "n" and "value".
class FewValues final : public TemplateValues {
 public:
  struct Row {
    std::vector<Value> values{};
    std::vector<std::vector<Value>> steps{};
    bool bad = false;
  };
  explicit FewValues(std::vector<Row> rows) : rows_(std::move(rows)) {}

  [[nodiscard]] std::size_t rows() const override { return rows_.size(); }
  [[nodiscard]] std::size_t steps(std::size_t row) const override {
    return rows_[row].steps.size();
  }
  [[nodiscard]] Value RowValue(std::size_t row, std::size_t name) const override {
    return rows_[row].values[name];
  }
  [[nodiscard]] Value StepValue(std::size_t row, std::size_t step,
                                std::size_t name) const override {
    return rows_[row].steps[step][name];
  }
  void AppendRequest(std::size_t row, std::string_view member, std::string& out) const override {
    out += "<" + std::to_string(row) + std::string(member) + ">";
  }
  bool AppendBadRow(std::size_t row, std::string& out) const override {
    if (rows_[row].bad) out += "\"bad\"";
    return rows_[row].bad;
  }

 private:
  std::vector<Row> rows_;
};

TemplateScope Scope(bool many_rows = true, bool many_steps = true) {
  using enum preprocessing::ColumnType;
  return {.constants = {{"model_name", "\"m\""}, {"features", R"(["a","b"])"}},
          .row = {{.name = "who"}, {.name = "day", .type = kTimestamp}},
          .step = {{.name = "n", .type = kInt64}, {.name = "value", .type = kDouble}},
          .many_rows = many_rows,
          .many_steps = many_steps};
}

AnswerTemplate Compile(std::string_view json, const TemplateScope& scope) {
  const nlohmann::ordered_json document = preprocessing::ParseJson(json);
  return {preprocessing::JsonNode(document), scope};
}

/// Two rows, of two steps and one, written so many rows at a time.
std::string Written(std::string_view json, const TemplateScope& scope = Scope(),
                    std::size_t at_once = 100) {
  const FewValues values(
      {{.values = {Value("x\"y"), Value(At("2021-02-03"))},
        .steps = {{Value(std::int64_t{1}), Value(1.25)}, {Value(std::int64_t{2}), Value(-7.5)}}},
       {.values = {Value(), Value()}, .steps = {{Value(std::int64_t{1}), Value()}}}});
  const AnswerTemplate shape = Compile(json, scope);
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  while (!writer.Continue(at_once)) {
  }
  return out;
}

struct WrittenCase {
  std::string name;
  std::string shape;
  std::string expected;
};

class TemplateOfManyRows : public testing::TestWithParam<WrittenCase> {};

TEST_P(TemplateOfManyRows, IsWritten) { EXPECT_EQ(Written(GetParam().shape), GetParam().expected); }

TEST_P(TemplateOfManyRows, IsWrittenAlikeRowByRow) {
  EXPECT_EQ(Written(GetParam().shape, Scope(), 1), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TemplateOfManyRows,
    testing::Values(
        WrittenCase{"PlainJsonStaysAsItIs", R"({"a": [1, 2.5, true, null, "t", {}, []], "b": {}})",
                    R"({"a":[1,2.5,true,null,"t",{},[]],"b":{}})"},
        WrittenCase{"TwoDollarsStandForOne", R"({"$$rows": "$$who"})", R"({"$rows":"$who"})"},
        WrittenCase{"ConstantsStandAnywhere", R"([{"$rows": "$model_name"}, "$features"])",
                    R"([["m","m"],["a","b"]])"},
        WrittenCase{"RowsAreAnArray", R"({"all": {"$rows": "$who"}})", R"({"all":["x\"y",null]})"},
        WrittenCase{"RowsMayStandTwice", R"([{"$rows": "$who"}, {"$rows": {"d": "$day"}}])",
                    R"([["x\"y",null],[{"d":"2021-02-03T00:00:00Z"},{"d":null}]])"},
        WrittenCase{"StepsAreAnArrayOfTheirRow",
                    R"({"$rows": {"w": "$who", "s": {"$steps": ["$n", "$value", "$who"]}}})",
                    R"([{"w":"x\"y","s":[[1,1.25,"x\"y"],[2,-7.5,"x\"y"]]},)"
                    R"({"w":null,"s":[[1,null,null]]}])"},
        WrittenCase{"NumbersAreRoundedUp",
                    R"({"$rows": {"$steps": {"$value": "value", "round": "up"}}})",
                    "[[2,-7],[null]]"},
        WrittenCase{"NumbersAreRoundedDown",
                    R"({"$rows": {"$steps": {"$value": "value", "round": "down"}}})",
                    "[[1,-8],[null]]"},
        WrittenCase{"NumbersAreRoundedToTheNearest",
                    R"({"$rows": {"$steps": {"$value": "value", "round": "nearest"}}})",
                    "[[1,-8],[null]]"},
        WrittenCase{"TimesHaveTheirFormat",
                    R"({"$rows": {"$value": "day", "format": "DD/MM \"YYYY\""}})",
                    R"(["03/02 \"2021\"",null])"},
        WrittenCase{"TheRequestComesBack", R"({"$rows": ["$request", {"$request": "id"}]})",
                    "[[<0>,<0id>],[<1>,<1id>]]"}),
    [](const auto& param) { return param.param.name; });

TEST(TemplateOfOneRow, HasItsValuesAnywhere) {
  EXPECT_EQ(Written(R"({"w": "$who", "s": {"$steps": "$value"}})", Scope(/*many_rows=*/false)),
            R"({"w":"x\"y","s":[1.25,-7.5]})");
}

TEST(TemplateOfOneStep, HasItsValuesAnywhereInTheRow) {
  EXPECT_EQ(Written(R"({"$rows": {"v": "$value"}})", Scope(true, /*many_steps=*/false)),
            R"([{"v":1.25},{"v":null}])");
}

TEST(TemplateOfOneStep, IsNullWhereThereIsNone) {
  const FewValues values({{.values = {Value(), Value()}}});
  const AnswerTemplate shape = Compile(R"("$value")", Scope(false, false));
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  EXPECT_TRUE(writer.Continue(1));
  EXPECT_EQ(out, "null");
}

TEST(AnswerTemplate, PutsSomethingInThePlaceOfBadRows) {
  const FewValues values({{.bad = true}, {.values = {Value("w"), Value()}}});
  const AnswerTemplate shape = Compile(R"({"$rows": "$who"})", Scope());
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  EXPECT_TRUE(writer.Continue(2));
  EXPECT_EQ(out, R"(["bad","w"])");
}

TEST(AnswerTemplate, FormatsATimeThatComesAsText) {
  const FewValues values({{.values = {Value(), Value("2021-02-03")}}});
  const AnswerTemplate shape =
      Compile(R"([{"$value": "day", "format": "YYYY-MM"}, "$day"])", Scope(/*many_rows=*/false));
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  EXPECT_TRUE(writer.Continue(1));
  EXPECT_EQ(out, R"(["2021-02","2021-02-03"])");
}

TEST(AnswerTemplate, WritesNoRowsAsAnEmptyArray) {
  const AnswerTemplate shape = Compile(R"({"p": {"$rows": "$who"}})", Scope());
  const FewValues values({});
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  EXPECT_TRUE(writer.Continue(1));
  EXPECT_EQ(out, R"({"p":[]})");
}

TEST(AnswerTemplate, WritesWhatNoWholeNumberHoldsAsItIs) {
  const FewValues values({{.values = {Value(), Value()},
                           .steps = {{Value(), Value(1e300)},
                                     {Value(), Value(0x1p62)},
                                     {Value(), Value(std::numeric_limits<double>::quiet_NaN())}}}});
  const AnswerTemplate shape =
      Compile(R"({"$steps": {"$value": "value", "round": "up"}})", Scope(false));
  std::string out;
  TemplateWriter writer;
  writer.Start(shape, values, out);
  EXPECT_TRUE(writer.Continue(1));
  EXPECT_EQ(out, "[1e+300,4611686018427387904,null]");
}

TEST(AnswerTemplate, IsItsTextWhereItNamesNothing) {
  EXPECT_EQ(Compile(R"({"a": ["$model_name"]})", Scope()).text(), R"({"a":["m"]})");
}

struct RefusedTemplate {
  std::string name;
  std::string shape;
  std::string why;
  TemplateScope scope = Scope();
};

class BadTemplate : public testing::TestWithParam<RefusedTemplate> {};

TEST_P(BadTemplate, IsRefusedNamingThePlace) {
  try {
    Compile(GetParam().shape, GetParam().scope);
    ADD_FAILURE() << "it was taken";
  } catch (const preprocessing::SpecError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().why));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTemplate,
    testing::Values(
        RefusedTemplate{
            "AnUnknownName", R"({"$rows": {"a": "$whom"}})",
            "$.$rows.a: there is no $whom here; there are: $model_name, $features, $who"},
        RefusedTemplate{"ARowsValueOutsideOfRows", R"({"a": "$who"})",
                        "$.a: $who is of each row: expected it within $rows"},
        RefusedTemplate{"TheRequestOutsideOfRows", R"({"a": "$request"})",
                        "$.a: what was sent as a row is of each row"},
        RefusedTemplate{"AStepsValueOutsideOfSteps", R"({"$rows": "$value"})",
                        "$.$rows: $value is a value of each step: expected it within $steps"},
        RefusedTemplate{"StepsOutsideOfRows", R"({"$steps": "$value"})", "within $rows"},
        RefusedTemplate{"RowsWithinRows", R"({"$rows": {"$rows": "$who"}})",
                        "$.$rows: $rows stands within $rows"},
        RefusedTemplate{"StepsWithinSteps", R"({"$rows": {"$steps": {"$steps": "$n"}}})",
                        "$.$rows.$steps: $steps stands within $steps"},
        RefusedTemplate{"RowsWhereThereIsOne", R"({"$rows": "$who"})",
                        "$: a request of this route is one row", Scope(false)},
        RefusedTemplate{"StepsWhereNothingIsForecast", R"({"$rows": {"$steps": "$who"}})",
                        "$.$rows: nothing is forecast here",
                        TemplateScope{.row = {{.name = "who"}}, .many_rows = true}},
        RefusedTemplate{"AValueWhereNothingIsAsked", R"({"a": "$who"})", "$.a: there is no $who",
                        TemplateScope{.constants = {{"features", "[]"}}}},
        RefusedTemplate{"SomethingBesideRows", R"({"$rows": "$who", "a": 1})", "$.a: unknown key"},
        RefusedTemplate{"TwoPlacesInOne", R"({"$rows": "$who", "$steps": 1})",
                        "$: expected nothing beside \"$rows\""},
        RefusedTemplate{"AnUnknownPlace", R"({"$row": "$who"})", "$.$row: unknown key"},
        RefusedTemplate{"ARoundedText", R"({"$rows": {"$value": "who", "round": "up"}})",
                        "$.$rows: $who is no number that could be rounded"},
        RefusedTemplate{"AnUnknownRounding",
                        R"({"$rows": {"$steps": {"$value": "value", "round": "half"}}})",
                        "$.$rows.$steps.round: expected up, down or nearest"},
        RefusedTemplate{"AFormatOfANumber",
                        R"({"$rows": {"$steps": {"$value": "value", "format": "YYYY"}}})",
                        "$.$rows.$steps: $value is no time that could have a format"},
        RefusedTemplate{"ABadFormat", R"({"$rows": {"$value": "day", "format": "MM"}})",
                        "$.$rows.format: there is no YYYY"},
        RefusedTemplate{"ARoundedConstant", R"({"$value": "features", "round": "up"})",
                        "$: $features is no value of a row"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::serving
