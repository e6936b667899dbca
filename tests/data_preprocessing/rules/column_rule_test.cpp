#include "data_preprocessing/rules/column_rule.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>

namespace forkcast::preprocessing {
namespace {

ColumnRule RuleOf(std::string_view json) {
  const auto parsed = ParseJson(json);
  return ColumnRule::FromJson("price", JsonNode(parsed, "$.price"), RuleAction::kCount);
}

struct ValueCase {
  const char* name;
  const char* rule;
  Value value;
  std::string fault;  // empty: none

  friend std::ostream& operator<<(std::ostream& out, const ValueCase& one) {
    return out << one.rule;
  }
};

class ValuesUnderARule : public testing::TestWithParam<ValueCase> {};

TEST_P(ValuesUnderARule, BreakTheFirstBoundThatTheyAreOutOf) {
  const ColumnRule rule = RuleOf(GetParam().rule);
  const auto broken = rule.BrokenBy(GetParam().value);
  EXPECT_EQ(
      broken ? std::string(NameOf(*broken)) + ": " + rule.Explain(*broken, GetParam().value) : "",
      GetParam().fault);
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Cases, ValuesUnderARule,
    testing::Values(
        ValueCase{"TheLeastIsWithin", R"({"min":0,"max":10})", 0.0, ""},
        ValueCase{"TheGreatestIsWithin", R"({"min":0,"max":10})", std::int64_t{10}, ""},
        ValueCase{"BelowTheLeast", R"({"min":0})", -0.5, "min: got -0.5, expected at least 0"},
        ValueCase{"AboveTheGreatest", R"({"max":500})", std::int64_t{600},
                  "max: got 600, expected at most 500"},
        ValueCase{"InfinityIsAboveAll", R"({"max":500})", kInfinity,
                  "max: got inf, expected at most 500"},
        ValueCase{"AMissingNumberHasNoBounds", R"({"min":0,"max":10})", Value(), ""},
        ValueCase{"MissingWhereThereMustBeOne", R"({"nullable":false})", Value(),
                  "null: there is no value, expected one"},
        ValueCase{"NaNIsMissing", R"({"nullable":false,"min":0})", kNaN,
                  "null: there is no value, expected one"},
        ValueCase{"NaNWhereItMayBeMissing", R"({"min":0})", kNaN, ""},
        ValueCase{"AnAllowedText", R"({"allowed":["b","a"]})", std::string_view("a"), ""},
        ValueCase{"ATextThatIsNot", R"({"allowed":["b","a"]})", std::string_view("A\n"),
                  R"(allowed: got "A\n", expected one of the 2 that are allowed)"},
        ValueCase{"AnAllowedNumber", R"({"allowed":[3,1]})", std::int64_t{3}, ""},
        ValueCase{"ANumberThatIsNot", R"({"allowed":[3,1]})", 2.0,
                  "allowed: got 2, expected one of the 2 that are allowed"},
        ValueCase{"LengthsAreOfCharacters", R"({"max_length":2})", std::string_view("äö"), ""},
        ValueCase{"ATextTooLong", R"({"max_length":2})", std::string_view("abc"),
                  R"(max_length: got "abc", expected at most 2 characters)"},
        ValueCase{"ATextTooShort", R"({"min_length":1})", std::string_view(""),
                  R"(min_length: got "", expected at least 1 characters)"},
        ValueCase{"ABoolHasNoBoundButThatItIsThere", R"({"nullable":false})", true, ""}),
    [](const auto& param) { return std::string(param.param.name); });

struct WrongRule {
  const char* name;
  const char* json;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const WrongRule& wrong) {
    return out << wrong.json;
  }
};

class WrongRules : public testing::TestWithParam<WrongRule> {};

TEST_P(WrongRules, AreRefusedNamingTheirPlace) {
  try {
    static_cast<void>(RuleOf(GetParam().json));
    FAIL() << "it was taken";
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongRules,
    testing::Values(
        WrongRule{"UnknownBound", R"({"minimum":1})",
                  "$.price.minimum: unknown key; known here: nullable, min, max, allowed, "
                  "min_length, max_length, action"},
        WrongRule{"NothingIsBetween", R"({"min":2,"max":1})", "$.price: min is above max"},
        WrongRule{"NoTextIsBetween", R"({"min_length":2,"max_length":1})",
                  "$.price: min_length is above max_length"},
        WrongRule{"NothingIsAllowed", R"({"allowed":[]})",
                  "$.price.allowed: expected at least one value"},
        WrongRule{"MixedValues", R"({"allowed":["a",1]})",
                  "$.price.allowed[1]: expected a text, as the first value is one"},
        WrongRule{"NumbersAndTexts", R"({"min":1,"max_length":1})",
                  "$.price: bounds of numbers (min, max) beside bounds of texts (min_length, "
                  "max_length)"},
        WrongRule{"UnknownAction", R"({"min":1,"action":"drop"})",
                  "$.price.action: expected \"count\", \"flag\" or \"reject\", got \"drop\""}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AllowedSets, OfAMillionValuesAreRefused) {
  std::string json = R"({"allowed":["0")";
  for (int i = 1; i < 1'000'000; ++i) json += ",\"" + std::to_string(i) + '"';
  try {
    static_cast<void>(RuleOf(json + "]}"));
    FAIL() << "it was taken";
  } catch (const SpecError& error) {
    EXPECT_STREQ(
        error.what(),
        "$.price.allowed: expected at most 10000 values, got 1000000: make them a table of "
        "the pipeline, and look the value up in a feature");
  }
}

TEST(LongTexts, AreCutInMessages) {
  const ColumnRule rule = RuleOf(R"({"max_length":2})");
  const std::string text(1000, 'x');
  EXPECT_EQ(rule.Explain(Bound::kMaxLength, std::string_view(text)),
            "got \"" + std::string(60, 'x') + "\"..., expected at most 2 characters");
}

TEST(RulesOfColumns, FitThoseThatThereAreAndOfTheirType) {
  const std::vector<RuleSubject> columns{{"price", ColumnType::kDouble},
                                         {"name", ColumnType::kText},
                                         {"bought", ColumnType::kTimestamp}};
  const auto fit = [&](std::string column, std::string_view json) {
    ColumnRule rule = RuleOf(json);
    rule.column = std::move(column);
    const Status status = FitRules(std::span(&rule, 1), columns, "feature");
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(fit("price", R"({"min":0,"nullable":false})"), "");
  EXPECT_EQ(fit("name", R"({"allowed":["a"]})"), "");
  EXPECT_EQ(fit("bought", R"({"nullable":false})"), "");
  EXPECT_EQ(fit("prize", R"({"min":0})"),
            "$.price: there is no feature \"prize\"; did you mean \"price\"?; there are: price, "
            "name, bought");
  EXPECT_EQ(fit("name", R"({"min":0})"),
            "$.price: feature \"name\" is of type text: bounds of numbers do not fit it");
  EXPECT_EQ(fit("price", R"({"allowed":["a"]})"),
            "$.price: feature \"price\" is of type double: bounds of texts do not fit it");
  EXPECT_EQ(fit("bought", R"({"min":0})"),
            "$.price: feature \"bought\" is of type timestamp: bounds of numbers do not fit it");
}

}  // namespace
}  // namespace forkcast::preprocessing
