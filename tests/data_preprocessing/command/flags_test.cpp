#include "data_preprocessing/command/flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/command/command.hpp"

namespace forkcast::preprocessing {
namespace {

using Words = std::vector<std::string>;

std::optional<std::string> NoEnvironment(const char*) { return std::nullopt; }

const std::vector<Flag> kFlags{{.name = "file", .argument = "FILE", .meaning = "Which file."},
                               {.name = "name",
                                .argument = "NAME",
                                .kind = Flag::Kind::kManyValues,
                                .meaning = "A name; may be given several times."},
                               {.name = "fast", .kind = Flag::Kind::kSwitch, .meaning = "Hurry."}};

struct GoodCase {
  std::string name;
  Words arguments;
  FlagValues values;
};

void PrintTo(const GoodCase& one, std::ostream* out) { *out << one.name; }

class GoodFlags : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodFlags, GiveTheirValues) {
  const auto given = ParseWords(kFlags, GetParam().arguments);
  ASSERT_TRUE(given.ok()) << given.error().message;
  EXPECT_EQ(given->flags, GetParam().values);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GoodFlags,
    testing::Values(GoodCase{"None", {}, {}},
                    GoodCase{"ValueBehind", {"--file", "a"}, {{"file", {"a"}}}},
                    GoodCase{"ValueAfterEqualsSign", {"--file=a=b"}, {{"file", {"a=b"}}}},
                    GoodCase{"ValueWithABlank", {"--file", "a b"}, {{"file", {"a b"}}}},
                    GoodCase{"NegativeNumber", {"--file", "-1"}, {{"file", {"-1"}}}},
                    GoodCase{"ValueWithDashes", {"--file=--fast"}, {{"file", {"--fast"}}}},
                    GoodCase{"Switch", {"--fast"}, {{"fast", {""}}}},
                    GoodCase{"RepeatedInOrder",
                             {"--name", "b", "--fast", "--name=a"},
                             {{"name", {"b", "a"}}, {"fast", {""}}}}),
    [](const auto& param) { return param.param.name; });

struct BadCase {
  std::string name;
  Words arguments;
  std::string message;
};

void PrintTo(const BadCase& one, std::ostream* out) { *out << one.name; }

class BadFlags : public testing::TestWithParam<BadCase> {};

TEST_P(BadFlags, AreNamedAndHelpIsSuggested) {
  const Command command{.name = "copy", .meaning = "", .flags = kFlags};
  const auto values = ReadArguments(command, GetParam().arguments, NoEnvironment);
  ASSERT_FALSE(values.ok());
  EXPECT_EQ(values.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(values.error().message, GetParam().message + " (--help lists the flags)");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadFlags,
    testing::Values(
        BadCase{"Unknown", {"--flie", "a"}, "unknown flag --flie; did you mean --file?"},
        BadCase{"Abbreviated", {"--fil", "a"}, "unknown flag --fil; did you mean --file?"},
        BadCase{"Short", {"-f"}, "unexpected argument \"-f\""},
        BadCase{"LooseWord", {"--fast", "a"}, "unexpected argument \"a\""},
        BadCase{"WithoutValue", {"--file"}, "the required argument for option '--file' is missing"},
        BadCase{"WithAFlagForItsValue",
                {"--file", "--fast"},
                "--file has no value; \"--fast\" as one is --file=--fast"},
        BadCase{"SwitchWithValue", {"--fast=yes"}, "option '--fast' does not take any arguments"},
        BadCase{"Twice", {"--file", "a", "--file", "b"}, "--file is given twice"},
        BadCase{"SwitchTwice", {"--fast", "--fast"}, "--fast is given twice"}),
    [](const auto& param) { return param.param.name; });

TEST(Flags, HelpIsAskedForWithEitherSpelling) {
  EXPECT_TRUE(AsksForHelp({"--file", "a", "--help"}));
  EXPECT_TRUE(AsksForHelp({"-h"}));
  EXPECT_FALSE(AsksForHelp({"--helpful", "help"}));
}

TEST(Flags, HelpBreaksLinesWhereTheTerminalEnds) {
  const std::string long_help = "Aaaa" + [] {
    std::string words;
    for (int i = 0; i < 40; ++i) words += " bbbb";
    return words;
  }();
  const std::string text =
      DescribeFlags({{.name = "file", .argument = "FILE", .meaning = long_help},
                     {.name = "fast", .kind = Flag::Kind::kSwitch, .meaning = "Hurry."}},
                    60);
  EXPECT_TRUE(text.starts_with("  --file FILE\n      Aaaa bbbb")) << text;
  EXPECT_TRUE(text.ends_with(" bbbb\n  --fast\n      Hurry.\n")) << text;
  std::size_t longest = 0;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  EXPECT_LE(longest, 60U);
  EXPECT_GT(longest, 55U);
}

}  // namespace
}  // namespace forkcast::preprocessing
