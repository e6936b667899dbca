#include "client/expectation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using preprocessing::TempFolder;
using testing::HasSubstr;

struct CompareCase {
  const char* name;
  const char* expected;
  std::vector<std::string> results;
  std::size_t different;
};

class ExpectationTest : public testing::TestWithParam<CompareCase> {};

TEST_P(ExpectationTest, CountsDifferences) {
  const TempFolder folder;
  Result<Expectation> expectation = Expectation::Open(folder.Write("e.jsonl", GetParam().expected));
  ASSERT_TRUE(expectation.ok());
  for (const std::string& result : GetParam().results) expectation->Compare(result);
  expectation->Finish();
  EXPECT_EQ(expectation->different(), GetParam().different);
  EXPECT_EQ(expectation->compared(), GetParam().results.size());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ExpectationTest,
    testing::Values(
        CompareCase{
            "NoneWhenBytesAreEqual", "{\"a\":1}\n{\"a\":2}\n", {R"({"a":1})", R"({"a":2})"}, 0},
        CompareCase{"NoneWithoutALastLineEnd", "{\"a\":1}", {R"({"a":1})"}, 0},
        CompareCase{"NoneWhenOnlySpacesDiffer", "{ \"a\" : 1 }\n", {R"({"a":1})"}, 0},
        CompareCase{
            "NoneWhenMembersAreInAnotherOrder", "{\"a\":1,\"b\":2}\n", {R"({"b":2,"a":1})"}, 0},
        CompareCase{"NoneWhenANumberIsWrittenOtherwise", "{\"a\":1.0}\n", {R"({"a":1})"}, 0},
        CompareCase{"OneWhenAValueDiffers", "{\"a\":1}\n", {R"({"a":2})"}, 1},
        CompareCase{"OneWhenATextIsANumber", "{\"a\":\"1\"}\n", {R"({"a":1})"}, 1},
        CompareCase{"OneWhenElementsAreInAnotherOrder", "[1,2]\n", {"[2,1]"}, 1},
        CompareCase{"OneWhenAMemberIsMissing", "{\"a\":1,\"b\":null}\n", {R"({"a":1})"}, 1},
        CompareCase{"OneForEachRowTooMany", "{}\n", {"{}", "{}", "{}"}, 2},
        CompareCase{"OneForEachRowTooFew", "{}\n{}\n{}\n", {"{}"}, 2},
        CompareCase{"OneWhenTheLineIsNotJson", "oops\n", {"{}"}, 1},
        CompareCase{"AllWhenRowsAreShifted", "1\n2\n3\n", {"2", "3", "1"}, 3}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Expectation, KeepsTheFirstDifferencesWithTheirRows) {
  const TempFolder folder;
  Result<Expectation> expectation =
      Expectation::Open(folder.Write("e.jsonl", "{\"a\":1}\n{\"a\":2}\n"));
  ASSERT_TRUE(expectation.ok());
  expectation->Compare(R"({"a":1})");
  expectation->Compare(R"({"a":3})");
  for (int i = 0; i < 100; ++i) expectation->Compare("{}");
  EXPECT_EQ(expectation->different(), 101U);
  ASSERT_EQ(expectation->first_differences().size(), kMaxKeptMessages);
  EXPECT_EQ(expectation->first_differences()[0], R"(row 1: expected {"a":2}, got {"a":3})");
  EXPECT_EQ(expectation->first_differences()[1], "row 2: expected no such row, got {}");
}

TEST(Expectation, ShortensALongLineWithoutCuttingACharacter) {
  const TempFolder folder;
  std::string text = "\"";
  while (text.size() < 1000) text += "\xC3\xA4";
  text += "\"";
  Result<Expectation> expectation = Expectation::Open(folder.Write("e.jsonl", text));
  ASSERT_TRUE(expectation.ok());
  expectation->Compare("1");
  ASSERT_EQ(expectation->first_differences().size(), 1U);
  EXPECT_THAT(expectation->first_differences()[0], HasSubstr("\xC3\xA4..., got 1"));
  EXPECT_LT(expectation->first_differences()[0].size(), 400U);
}

TEST(Expectation, NamesAFileThatCannotBeOpened) {
  const TempFolder folder;
  const Result<Expectation> absent = Expectation::Open(folder.path() / "absent.jsonl");
  ASSERT_FALSE(absent.ok());
  EXPECT_THAT(absent.error().message, HasSubstr("absent.jsonl: cannot be opened: No such file"));
  const Result<Expectation> directory = Expectation::Open(folder.path());
  ASSERT_FALSE(directory.ok());
  EXPECT_THAT(directory.error().message, HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace forkcast::client
