#include "data_preprocessing/document/json_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <ostream>
#include <string>
#include <string_view>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// What a call that must fail with a SpecError says.
template <typename Call>
std::string ErrorOf(Call call) {
  try {
    call();
  } catch (const SpecError& error) {
    return error.what();
  }
  return "no error";
}

struct NotJson {
  std::string name;
  std::string text;
  std::string error;
};

/// `begin` and `end` as often as there are levels around `inside`.
std::string Nested(std::size_t levels, std::string_view begin, std::string inside,
                   std::string_view end) {
  for (std::size_t i = 0; i < levels; ++i) inside = std::string(begin) + inside + std::string(end);
  return inside;
}

void PrintTo(const NotJson& one, std::ostream* out) { *out << one.name; }

class NotJsonTest : public testing::TestWithParam<NotJson> {};

TEST_P(NotJsonTest, IsRefusedWithItsPlace) {
  EXPECT_THAT(ErrorOf([] { (void)ParseJson(GetParam().text); }), StartsWith(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NotJsonTest,
    testing::Values(
        NotJson{"Empty", "", "line 1, column 1: not JSON"},
        NotJson{"FirstColumn", "nonsense", "line 1, column 2: not JSON"},
        NotJson{"CommaBehindTheLast", "{\n  \"a\": 1,\n}", "line 3, column 1: not JSON"},
        NotJson{"CutShort", "{\"a\": [1,\n2", "line 2, column 2: not JSON"},
        NotJson{"TwoDocuments", "{}\n {}", "line 2, column 2: not JSON"},
        NotJson{"NoUtf8", "{\"a\": \"\xFF\"}", "line 1, column 8: not JSON"},
        NotJson{"NumberTooLarge", "{\n\"a\": 1e999}", "number overflow parsing '1e999'"},
        NotJson{"Comment", "{} // no", "line 1, column 4: not JSON"},
        NotJson{"MemberTwice", R"({"a": 1, "b": {"a": 2}, "a": 3})",
                "member \"a\" is given twice in one object"},
        NotJson{"MemberTwiceInside", R"([{"b": 1}, {"a": {"b": 1, "c": 2, "b": 1}}])",
                "member \"b\" is given twice in one object"},
        NotJson{"MemberTwiceSpeltDifferently", R"({"a": 1, "\u0061": 2})",
                "member \"a\" is given twice in one object"},
        NotJson{"TooManyLists", std::string(257, '[') + std::string(257, ']'),
                "nested too deep: expected at most 256 levels"},
        NotJson{"TooManyObjects", Nested(257, R"({"a": )", "1", "}"),
                "nested too deep: expected at most 256 levels"},
        NotJson{"ListsThatNeverEnd", std::string(5'000'000, '['),
                "nested too deep: expected at most 256 levels"}),
    [](const auto& param) { return param.param.name; });

TEST(ParseJsonTest, TakesTheSameNameInDifferentObjectsAndKeepsTheirOrder) {
  const auto json = ParseJson(R"({"b": {"a": 1}, "a": [{"a": 2}, {"a": 3}]})");
  EXPECT_EQ(json.dump(), R"({"b":{"a":1},"a":[{"a":2},{"a":3}]})");
}

TEST(ParseJsonTest, TakesAllKindsOfValues) {
  const std::string text =
      R"({"a":[1,-2,0.5,null,true,false,"x",{},[]],"b":{"c":18446744073709551615},"d":"\u0061"})";
  EXPECT_EQ(ParseJson(text), nlohmann::ordered_json::parse(text));
  EXPECT_EQ(ParseJson("7"), 7);
}

TEST(ParseJsonTest, TakesAsManyLevelsAsItSays) {
  const std::string text = Nested(kMostJsonDepth, "[", "", "]");
  EXPECT_EQ(ParseJson(text).dump(), text);
}

TEST(ParseJsonTest, TakesTimeByTheLengthOfAListOrObjectAndNotByItsSquare) {
  // Squares of this take minutes.
  constexpr std::size_t kMany = 300'000;
  std::string list = "[{}";
  std::string object = R"({"0":{})";
  for (std::size_t i = 1; i < kMany; ++i) {
    list += ",{}";
    object += ",\"" + std::to_string(i) + "\":{}";
  }
  const std::clock_t began = std::clock();
  EXPECT_EQ(ParseJson(list + "]").size(), kMany);
  EXPECT_EQ(ParseJson(object + "}").size(), kMany);
  EXPECT_LT(std::clock() - began, 15 * CLOCKS_PER_SEC);
}

TEST(ReadJsonFileTest, NamesTheFile) {
  const TempFolder folder;
  const auto file = folder.Write("x.json", "{]");
  EXPECT_EQ(ErrorOf([&file] { (void)ReadJsonFile(file); }),
            file.string() + ": line 1, column 2: not JSON");
}

TEST(ReadTextFileTest, ReadsAllBytes) {
  const TempFolder folder;
  const std::string text("a\0\r\n\xFF", 5);
  EXPECT_EQ(ReadTextFile(folder.Write("x", text)), text);
  EXPECT_EQ(ReadTextFile(folder.Write("x", "")), "");
}

TEST(ReadTextFileTest, SaysWhyAFileCannotBeRead) {
  const TempFolder folder;
  const auto absent = folder.path() / "absent";
  EXPECT_THAT(ErrorOf([&absent] { (void)ReadTextFile(absent); }),
              AllOf(StartsWith(absent.string()), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf([&folder] { (void)ReadTextFile(folder.path()); }),
              AllOf(StartsWith(folder.path().string()), HasSubstr("directory")));
}

class JsonNodeTest : public testing::Test {
 protected:
  const nlohmann::ordered_json json_ = ParseJson(R"({
    "list": [{"name": "x"}, {"name": ""}], "names": ["a", "b", "a"],
    "flag": true, "integer": 7, "number": 0.5, "huge": 18446744073709551615,
    "long": "0123456789012345678901234567890123456789012345678901234567890123456789"
  })");
  const JsonNode root_{json_};
};

TEST_F(JsonNodeTest, ReadsValuesOfTheirTypes) {
  EXPECT_EQ(root_.Get("list").Elements()[0].Get("name").String(), "x");
  EXPECT_TRUE(root_.Get("flag").Bool());
  EXPECT_EQ(root_.Get("integer").Integer(7, 7), 7);
  EXPECT_EQ(root_.Get("number").Number(0.5, 0.5), 0.5);
  EXPECT_EQ(root_.Get("integer").Number(0, 10), 7.0);
  EXPECT_FALSE(root_.Find("absent").has_value());
}

TEST_F(JsonNodeTest, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("list").Elements()[1].Get("name").String(); }),
            "$.list[1].name: expected a text that is not empty, got \"\"");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("list").Elements()[1].Get("type"); }),
            "$.list[1]: missing key \"type\"");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("names").Strings(); }), "$.names[2]: given twice");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("integer").Bool(); }),
            "$.integer: expected true or false, got 7");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("integer").Integer(8, 9); }),
            "$.integer: expected an integer from 8 to 9, got 7");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("number").Integer(0, 9); }),
            "$.number: expected an integer from 0 to 9, got 0.5");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("huge").Integer(-9, 9); }),
            "$.huge: expected an integer from -9 to 9, got 18446744073709551615");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("number").Number(1, 2); }),
            "$.number: expected a number from 1 to 2, got 0.5");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("flag").Elements(); }),
            "$.flag: expected an array, got true");
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("flag").Find("x"); }),
            "$.flag: expected an object, got true");
}

TEST_F(JsonNodeTest, NamesTheKeysThatItKnows) {
  EXPECT_EQ(ErrorOf([this] {
              root_.Get("list").Elements()[0].RequireObject({"title", "type"});
            }),
            "$.list[0].name: unknown key; known here: title, type");
}

TEST(JsonDocument, IsOfItsFormatAndVersion) {
  const auto document = ParseJson(R"({"format": "forkcast.a", "format_version": 2})");
  const JsonNode root(document);
  EXPECT_NO_THROW(root.RequireFormat("forkcast.a"));
  EXPECT_NO_THROW(root.RequireFormat("forkcast.a", 2));
  EXPECT_EQ(ErrorOf([&root] { root.RequireFormat("forkcast.b"); }),
            "$.format: expected forkcast.b");
  EXPECT_EQ(ErrorOf([&root] { root.RequireFormat("forkcast.a", 1); }),
            "$.format_version: expected an integer from 1 to 1, got 2");
}

TEST_F(JsonNodeTest, ShowsOnlyTheBeginningOfALongValue) {
  EXPECT_EQ(ErrorOf([this] { (void)root_.Get("long").Bool(); }),
            "$.long: expected true or false, got "
            "\"01234567890123456789012345678901234567890123456789012345678...");
}

}  // namespace
}  // namespace forkcast::preprocessing
