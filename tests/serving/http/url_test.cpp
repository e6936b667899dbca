#include "serving/http/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

// ---- escapes ----

struct EscapeCase {
  std::string name;
  std::string_view text;
  Plus plus;
  std::optional<std::string> decoded;  // none: malformed
};

void PrintTo(const EscapeCase& one, std::ostream* out) { *out << one.name; }

class Escapes : public testing::TestWithParam<EscapeCase> {};

TEST_P(Escapes, AreResolvedOrMalformed) {
  std::string decoded = "left from before";
  const bool ok = DecodeEscapes(GetParam().text, GetParam().plus, decoded);
  EXPECT_EQ(ok, GetParam().decoded.has_value());
  if (ok) {
    EXPECT_EQ(decoded, *GetParam().decoded);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Escapes,
    testing::Values(EscapeCase{"NothingToResolve", "a-b_c~d", Plus::kItself, "a-b_c~d"},
                    EscapeCase{"Empty", "", Plus::kItself, ""},
                    EscapeCase{"SmallAndCapitalDigits", "%2f%2F", Plus::kItself, "//"},
                    EscapeCase{"Utf8", "caf%C3%A9", Plus::kItself, "caf\xc3\xa9"},
                    EscapeCase{"Once", "%2525", Plus::kItself, "%25"},
                    EscapeCase{"Nul", "a%00b", Plus::kItself, std::string("a\0b", 3)},
                    EscapeCase{"PlusInAPath", "a+b", Plus::kItself, "a+b"},
                    EscapeCase{"PlusInAQuery", "a+b%2B", Plus::kBlank, "a b+"},
                    EscapeCase{"CutShort", "a%2", Plus::kItself, std::nullopt},
                    EscapeCase{"PercentAlone", "100%", Plus::kItself, std::nullopt},
                    EscapeCase{"NoDigits", "%zz", Plus::kItself, std::nullopt},
                    EscapeCase{"SignIsNoDigit", "%+1", Plus::kItself, std::nullopt}),
    [](const auto& param) { return param.param.name; });

// ---- queries ----

struct QueryCase {
  std::string name;
  std::string_view query;
  std::optional<std::string> value;
  std::string error{};  // message; then there is no value
  std::string field{};
};

void PrintTo(const QueryCase& one, std::ostream* out) { *out << one.name; }

class Queries : public testing::TestWithParam<QueryCase> {};

TEST_P(Queries, AreReadByName) {
  const auto value = QueryParameter(GetParam().query, "key");
  ASSERT_EQ(value.ok(), GetParam().error.empty());
  if (value) {
    EXPECT_EQ(*value, GetParam().value);
  } else {
    EXPECT_EQ(value.error(),
              (Error{ErrorCode::kInvalidArgument, GetParam().error, GetParam().field}));
  }
}

const std::string kMalformedEscape = "expected % and two hexadecimal digits";

INSTANTIATE_TEST_SUITE_P(
    Cases, Queries,
    testing::Values(QueryCase{"Empty", "", std::nullopt}, QueryCase{"Alone", "key=1", "1"},
                    QueryCase{"AmongOthers", "a=b&key=1&c", "1"},
                    QueryCase{"BetweenEmptyItems", "&&key=1&", "1"},
                    QueryCase{"ALongerNameIsAnother", "keys=1", std::nullopt},
                    QueryCase{"AShorterNameIsAnother", "ke=1", std::nullopt},
                    QueryCase{"NamesHaveOneSpelling", "Key=1", std::nullopt},
                    QueryCase{"WithoutValue", "key", ""}, QueryCase{"WithEmptyValue", "key=", ""},
                    QueryCase{"ValueWithEquals", "key=a=b", "a=b"},
                    QueryCase{"ValueWithEscapes", "key=a%26b+c", "a&b c"},
                    QueryCase{"NameWithEscapes", "%6Bey=1", "1"},
                    QueryCase{"Twice", "key=1&key=1", {}, "given twice", "key"},
                    QueryCase{"TwiceInTwoSpellings", "key=1&k%65y=2", {}, "given twice", "key"},
                    QueryCase{"OthersTwice", "a=1&a=2&key=3", "3"},
                    QueryCase{"MalformedValue", "key=%2", {}, kMalformedEscape, "key"},
                    QueryCase{"MalformedName", "k%zz=1&key=1", {}, kMalformedEscape, "k%zz"},
                    QueryCase{"MalformedValueOfAnother", "a=%2&key=1", "1"}),
    [](const auto& param) { return param.param.name; });

TEST(QueryFlag, IsTrueOrFalseAndAbsentIsFalse) {
  for (const std::string_view yes : {"f=true", "f=1", "a&f=%31"}) {
    EXPECT_TRUE(*QueryFlag(yes, "f")) << yes;
  }
  for (const std::string_view no : {"", "f=false", "f=0", "g=true"}) {
    EXPECT_FALSE(*QueryFlag(no, "f")) << no;
  }
  for (const std::string_view wrong : {"f", "f=", "f=yes", "f=True", "f=1&f=1"}) {
    const auto flag = QueryFlag(wrong, "f");
    ASSERT_FALSE(flag.ok()) << wrong;
    EXPECT_EQ(flag.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(flag.error().field, "f");
  }
}

TEST(QueryFlag, ShowsWhatCame) {
  EXPECT_EQ(QueryFlag("f=True", "f").error().message, "expected true or false, got \"True\"");
}

TEST(MistypedParameters, AreRefusedAndOthersLetPass) {
  const std::vector<std::string> known{"partial", "features"};
  for (const std::string_view fine :
       {"", "partial=1&features=1", "utm_source=x&fbclid=1", "p=1", "version=2", "%zz=1"}) {
    EXPECT_TRUE(RefuseMistyped(fine, known).ok()) << fine;
  }
  for (const std::string_view wrong :
       {"Partial=1", "a=b&partical", "PARTIAL", "partial=1&partail=1"}) {
    const Status refused = RefuseMistyped(wrong, known);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("did you mean \"partial\"?"));
    EXPECT_FALSE(refused.error().field.empty());
  }
}

// ---- paths ----

struct PathCase {
  std::string name;
  std::string_view pattern;
  std::string_view path;
  std::optional<std::vector<std::string_view>> values;  // none: no match
};

void PrintTo(const PathCase& one, std::ostream* out) { *out << one.name; }

class Paths : public testing::TestWithParam<PathCase> {};

TEST_P(Paths, MatchWholeSegments) {
  const PathPattern pattern(GetParam().pattern);
  PathPattern::Values values;
  ASSERT_EQ(pattern.Match(GetParam().path, values), GetParam().values.has_value());
  if (!GetParam().values) return;
  EXPECT_THAT(std::span(values).first(pattern.names().size()),
              ElementsAreArray(*GetParam().values));
}

using Values = std::vector<std::string_view>;

INSTANTIATE_TEST_SUITE_P(
    Cases, Paths,
    testing::Values(PathCase{"Literal", "/ping", "/ping", Values{}},
                    PathCase{"Root", "/", "/", Values{}},
                    PathCase{"NothingBehind", "/ping", "/ping/", std::nullopt},
                    PathCase{"NothingLeftOut", "/ping", "/pin", std::nullopt},
                    PathCase{"OneSpelling", "/ping", "/%70ing", std::nullopt},
                    PathCase{"ParameterAtTheEnd", "/predict/{key}", "/predict/7", Values{"7"}},
                    PathCase{"ParameterWithin", "/a/{name}/b", "/a/x/b", Values{"x"}},
                    PathCase{"AsItWasSent", "/predict/{key}", "/predict/a%2Fb+c",
                             Values{"a%2Fb+c"}},
                    PathCase{"SeveralParameters", "/a/{b}/{c}", "/a/1/2", Values{"1", "2"}},
                    PathCase{"EmptyParameter", "/predict/{key}", "/predict/", std::nullopt},
                    PathCase{"EmptyParameterWithin", "/a/{name}/b", "/a//b", std::nullopt},
                    PathCase{"TwoSegmentsForOne", "/a/{name}/b", "/a/x/y/b", std::nullopt},
                    PathCase{"LiteralBehindLeftOut", "/a/{name}/b", "/a/x", std::nullopt}),
    [](const auto& param) { return param.param.name; });

TEST(PathPattern, NamesItsParameters) {
  EXPECT_THAT(PathPattern("/a/{b}/{c}").names(), ElementsAre("b", "c"));
  EXPECT_THAT(PathPattern("/a").names(), ElementsAre());
}

TEST(PathPattern, IsRefusedWhenItIsNone) {
  for (const std::string_view wrong :
       {"", "ping", "/a/{", "/a/{}", "/a/{b}c", "/a{b}", "/a/{b/c", "/{a}/{b}/{c}/{d}/{e}"}) {
    EXPECT_THROW(PathPattern{wrong}, std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace forkcast::serving
