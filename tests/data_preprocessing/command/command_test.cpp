#include "data_preprocessing/command/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/program.hpp"
#include "data_preprocessing/command/stage_progress.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

/// Prints what it was told.
ExitCode Tell(const Arguments& arguments, const CommandContext& context) {
  for (const std::string& operand : arguments.operands()) context.out << operand << ' ';
  context.out << "from=" << arguments.Text("from")
              << " copies=" << arguments.Whole("copies").value() << " quiet=" << context.quiet;
  return ExitCode::kDone;
}

Command CopyCommand() {
  return {.name = "copy",
          .meaning = "copies things",
          .description = "Copies things.\n",
          .operands = {{"WHAT"}, {"WHERE", Operand::Need::kOptional}},
          .flags = {{.name = "from",
                     .argument = "DIR",
                     .meaning = "Where things are.",
                     .variable = "COPY_FROM",
                     .need = Flag::Need::kRequired},
                    {.name = "copies",
                     .argument = "N",
                     .meaning = "How many.",
                     .variable = "COPY_COPIES",
                     .fallback = "1",
                     .allowed = WholeNumber(1, 9)},
                    {.name = "how",
                     .argument = "WAY",
                     .meaning = "How.",
                     .when_absent = "as is",
                     .allowed = OneOf({"fast", "safely", "twice"})},
                    QuietFlag()},
          .endings = {{.code = ExitCode::kDone}, {.code = ExitCode::kIo, .when = "no room"}},
          .remark = "Nothing is moved.\n",
          .run = Tell};
}

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

Ended RunIt(const Command& command, const Words& words, const Variables& variables = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const SystemClock clock;
  const auto environment = [&variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  const int code = RunCommand(command, words,
                              {.environment = environment, .out = out, .err = err, .clock = clock});
  return {code, out.str(), err.str()};
}

struct GoodCase {
  std::string name;
  Words words;
  Variables variables;
  std::string told;
};

void PrintTo(const GoodCase& one, std::ostream* out) { *out << one.name; }

class GoodWords : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodWords, ReachTheCommand) {
  const Ended ended = RunIt(CopyCommand(), GetParam().words, GetParam().variables);
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(ended.out, GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GoodWords,
    testing::Values(
        GoodCase{"OperandsFirst", {"a", "b", "--from", "d"}, {}, "a b from=d copies=1 quiet=0"},
        GoodCase{"FlagsFirst", {"--from=d", "--quiet", "a"}, {}, "a from=d copies=1 quiet=1"},
        GoodCase{"Mixed", {"a", "--from", "d", "b"}, {}, "a b from=d copies=1 quiet=0"},
        GoodCase{"OperandBehindTwoDashes",
                 {"--from", "d", "--", "--quiet"},
                 {},
                 "--quiet from=d copies=1 quiet=0"},
        GoodCase{"VariableWhereNoFlagIs",
                 {"a"},
                 {{"COPY_FROM", "e"}, {"COPY_COPIES", "9"}},
                 "a from=e copies=9 quiet=0"},
        GoodCase{"FlagBeforeVariable",
                 {"a", "--from", "d"},
                 {{"COPY_FROM", "e"}},
                 "a from=d copies=1 quiet=0"},
        GoodCase{"EmptyVariableCountsAsNotSet",
                 {"a", "--from", "d"},
                 {{"COPY_COPIES", ""}},
                 "a from=d copies=1 quiet=0"}),
    [](const auto& param) { return param.param.name; });

struct BadCase {
  std::string name;
  Words words;
  Variables variables;
  std::string complaint;
};

void PrintTo(const BadCase& one, std::ostream* out) { *out << one.name; }

class BadWords : public testing::TestWithParam<BadCase> {};

TEST_P(BadWords, EndItWithTwoAndTheReason) {
  const Ended ended = RunIt(CopyCommand(), GetParam().words, GetParam().variables);
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "forkcast copy: " + GetParam().complaint + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadWords,
    testing::Values(
        BadCase{"NoFlag", {"a"}, {}, "--from (or COPY_FROM) is missing (--help lists the flags)"},
        BadCase{"EmptyFlag", {"a", "--from", ""}, {}, "--from: \"\" is not allowed; expected DIR"},
        BadCase{"NoOperand",
                {"--from", "d"},
                {},
                "expected: forkcast copy WHAT [WHERE] (--help lists the flags)"},
        BadCase{"OneOperandTooMany",
                {"a", "b", "c", "--from", "d"},
                {},
                "expected: forkcast copy WHAT [WHERE] (--help lists the flags)"},
        BadCase{"NoNumber",
                {"a", "--from", "d", "--copies", "two"},
                {},
                "--copies: \"two\" is not allowed; expected a whole number from 1 to 9"},
        BadCase{"TooGreatANumberInAVariable",
                {"a", "--from", "d"},
                {{"COPY_COPIES", "10"}},
                "COPY_COPIES: \"10\" is not allowed; expected a whole number from 1 to 9"},
        BadCase{"NoneOfTheValues",
                {"a", "--from", "d", "--how", "well"},
                {},
                "--how: \"well\" is not allowed; expected fast, safely or twice"},
        BadCase{"NearlyOneOfTheValues",
                {"a", "--from", "d", "--how", "safley"},
                {},
                "--how: \"safley\" is not allowed; expected fast, safely or twice; did you mean "
                "\"safely\"?"},
        BadCase{"UnknownFlag",
                {"a", "--form", "d"},
                {},
                "unknown flag --form; did you mean --from? (--help lists the flags)"},
        BadCase{"UnknownFlagWithItsValue",
                {"a", "--form=d"},
                {},
                "unknown flag --form; did you mean --from? (--help lists the flags)"},
        BadCase{"FlagLikeNoOther",
                {"a", "--recursive"},
                {},
                "unknown flag --recursive (--help lists the flags)"}),
    [](const auto& param) { return param.param.name; });

TEST(Commands, HelpIsMadeFromTheTableAndGoesBeforeWhateverIsWrong) {
  const Ended ended = RunIt(CopyCommand(), {"--wrong", "--help"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out,
            "usage: forkcast copy WHAT [WHERE] --from DIR [flags]\n\n"
            "Copies things.\n\n"
            "  --from DIR\n"
            "      Where things are. Environment: COPY_FROM. Default: none; required.\n"
            "  --copies N\n"
            "      How many. Environment: COPY_COPIES. Default: 1.\n"
            "  --how WAY\n"
            "      How. Default: as is.\n"
            "  --quiet\n"
            "      Prints errors only (and what --json asks for).\n"
            "  --help\n"
            "      Prints this.\n"
            "\nNothing is moved.\n"
            "\nExit codes:\n"
            "  0    done\n"
            "  5    no room\n");
}

TEST(Commands, AFailureEndsThemWithItsCodeAndMessage) {
  Command command = CopyCommand();
  command.run = [](const Arguments&, const CommandContext&) -> ExitCode {
    throw Failure(ExitCode::kIo, "the disk is full");
  };
  const Ended ended = RunIt(command, {"a", "--from", "d"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_EQ(ended.err, "forkcast copy: the disk is full\n");
}

TEST(Commands, MayMeanSomethingElseWithoutAnyWord) {
  Command command = CopyCommand();
  std::optional<ExitCode> meant = ExitCode::kGate;
  command.run_bare = [&meant](const CommandContext&) { return meant; };
  EXPECT_EQ(RunIt(command, {}).code, 4);
  EXPECT_EQ(RunIt(command, {"a", "--from", "d"}).code, 0);
  meant.reset();
  EXPECT_EQ(RunIt(command, {}).code, 2);
}

TEST(Commands, OutputThatCannotBeWrittenIsAFailure) {
  std::ostream nowhere(nullptr);
  std::ostringstream err;
  const SystemClock clock;
  const auto no_environment = [](const char*) -> std::optional<std::string> { return {}; };
  const CommandContext context{
      .environment = no_environment, .out = nowhere, .err = err, .clock = clock};
  EXPECT_EQ(RunCommand(CopyCommand(), {"a", "--from", "d"}, context), 5);
  EXPECT_EQ(err.str(), "forkcast copy: standard output cannot be written\n");
}

TEST(Commands, AProgramThatIsNotThereIsNamedWithItsPath) {
  const Ended ended =
      RunIt({.name = "learn", .meaning = "", .program = "no-such-program"}, {"--help"});
  EXPECT_EQ(ended.code, 5);
  EXPECT_THAT(ended.err,
              testing::MatchesRegex("forkcast learn: /.+/no-such-program: cannot be run: "
                                    "No such file or directory .*\n"));
}

TEST(Commands, RequireTellsErrorsApartAsTheCommandSays) {
  const auto code_of = [](const auto& require) {
    try {
      require();
      return ExitCode::kDone;
    } catch (const Failure& failure) {
      EXPECT_STREQ(failure.what(), "why");
      return failure.code();
    }
  };
  const auto failed = [](ErrorCode code) { return Status(Error{code, "why"}); };
  EXPECT_EQ(code_of([&] { Require(Status()); }), ExitCode::kDone);
  EXPECT_EQ(code_of([&] { Require(failed(ErrorCode::kInvalidArgument)); }), ExitCode::kUsage);
  EXPECT_EQ(code_of([&] { Require(failed(ErrorCode::kCorrupt)); }), ExitCode::kUnfit);
  EXPECT_EQ(code_of([&] { Require(failed(ErrorCode::kIo)); }), ExitCode::kIo);
  EXPECT_EQ(code_of([&] { Require(failed(ErrorCode::kIo), ExitCode::kNo); }), ExitCode::kNo);
  EXPECT_EQ(Require(Result<int>(7)), 7);
}

TEST(ExitCodes, KeepTheirNumbers) {
  std::vector<int> numbers;
  for (const ExitMeaning& one : ExitCodes()) numbers.push_back(static_cast<int>(one.code));
  EXPECT_THAT(numbers, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 70, 130, 143));
}

TEST(ExitCodes, AreThoseThatTheOperatorIsTold) {
  std::ifstream file(FORKCAST_SOURCE_DIR "/docs/operations.md");
  const std::string docs(std::istreambuf_iterator<char>(file), {});
  std::size_t rows = 0;
  for (const ExitMeaning& one : ExitCodes()) {
    EXPECT_THAT(docs, HasSubstr("\n| " + std::to_string(static_cast<int>(one.code)) + " | " +
                                std::string(one.meaning) + " | "));
    ++rows;
  }
  const std::size_t table = docs.find("\n| code | meaning |");
  ASSERT_NE(table, std::string::npos);
  const std::string_view lines =
      std::string_view(docs).substr(table, docs.find("\n\n", table) - table);
  EXPECT_EQ(std::ranges::count(lines, '\n'), static_cast<std::ptrdiff_t>(rows) + 2);
}

struct ProgressCase {
  std::string name;
  bool quiet;
  bool is_terminal;
  Progress::Style style;
};

TEST(ProgressStyles, FollowFromFlagAndTerminal) {
  const ProgressCase cases[]{{"quiet", true, true, Progress::Style::kNone},
                             {"terminal", false, true, Progress::Style::kBar},
                             {"file", false, false, Progress::Style::kLines}};
  const SystemClock clock;
  std::ostringstream stream;
  for (const ProgressCase& one : cases) {
    EXPECT_EQ(ProgressStyle({.environment = {},
                             .out = stream,
                             .err = stream,
                             .clock = clock,
                             .err_is_terminal = one.is_terminal,
                             .quiet = one.quiet}),
              one.style)
        << one.name;
  }
}

Command KeepCommand() {
  const auto done = [](const Arguments&, const CommandContext&) { return ExitCode::kDone; };
  return {.name = "keep",
          .meaning = "keeps things",
          .variables = {"FORKCAST_PLACE"},
          .verbs = {{.name = "list", .meaning = "what is kept", .run = done},
                    {.name = "forget", .meaning = "one of them", .run = done}}};
}

constexpr MakeCommand kCommands[] = {&CopyCommand, &KeepCommand};
constexpr std::string_view kOthers[] = {"FORKCAST_URL"};

Ended RunThings(const Words& words, const Variables& variables = {},
                Program::UnknownVariables unknown = Program::UnknownVariables::kRefused) {
  std::ostringstream out;
  std::ostringstream err;
  const SystemClock clock;
  const auto environment = [&variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  const int code = RunProgram({.name = "things",
                               .version = "1.2.3",
                               .commands = kCommands,
                               .unknown_variables = unknown,
                               .others = kOthers},
                              words,
                              {.environment = environment,
                               .out = out,
                               .err = err,
                               .clock = clock,
                               .program = "things",
                               .variables = names});
  return {code, out.str(), err.str()};
}

TEST(Programs, ListTheirCommandsAndRefuseOthers) {
  const Ended help = RunThings({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("usage: things COMMAND [flags]\n\nCommands:\n"
                                  "  copy      copies things\n"
                                  "  keep      keeps things\n"));
  EXPECT_EQ(RunThings({"help"}).out, help.out);
  EXPECT_EQ(RunThings({"help"}).code, 0);
  EXPECT_EQ(RunThings({"--version"}).out, "things 1.2.3\n");
  EXPECT_EQ(RunThings({}).code, 2);
  const Ended unknown = RunThings({"cpoy"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err,
            "things: unknown command \"cpoy\"; did you mean \"copy\"? (there are: copy, keep)\n");
  EXPECT_EQ(RunThings({"remove"}).err,
            "things: unknown command \"remove\" (there are: copy, keep)\n");
  const Ended wrong = RunThings({"copy", "a"});
  EXPECT_THAT(wrong.err, testing::StartsWith("things copy: --from"));
}

TEST(Programs, HelpWithACommandIsThatCommands) {
  const Ended help = RunThings({"help", "copy"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.out, RunThings({"copy", "--help"}).out);
  EXPECT_EQ(RunThings({"help", "cpoy"}).code, 2);
}

TEST(Programs, SuggestTheVerbThatWasMeant) {
  const Ended ended = RunThings({"keep", "lits"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err,
            "things keep: unknown verb \"lits\"; did you mean \"list\"? (--help lists verbs and "
            "flags)\n");
}

struct VariableCase {
  std::string name;
  Variables variables;
  std::string complaint;  ///< Empty: none.
  Program::UnknownVariables unknown = Program::UnknownVariables::kRefused;
};

class EnvironmentVariables : public testing::TestWithParam<VariableCase> {};

TEST_P(EnvironmentVariables, AreThoseThatACommandReads) {
  const Ended ended = RunThings({"keep", "list"}, GetParam().variables, GetParam().unknown);
  if (GetParam().complaint.empty()) {
    EXPECT_EQ(ended.err, "");
    EXPECT_EQ(ended.code, 0);
    return;
  }
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err, "things keep: unknown environment variable " + GetParam().complaint +
                           " (--help lists a command's)\n");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, EnvironmentVariables,
    testing::Values(VariableCase{"OfTheCommand", {{"FORKCAST_PLACE", "x"}}, ""},
                    VariableCase{"OfAProgramBeside", {{"FORKCAST_URL", "x"}}, ""},
                    VariableCase{"OfOthers", {{"COPY_FORM", "x"}, {"PATH", "y"}}, ""},
                    VariableCase{"Empty", {{"FORKCAST_PALCE", ""}}, ""},
                    VariableCase{"Mistyped",
                                 {{"FORKCAST_PLACES", "x"}},
                                 "FORKCAST_PLACES; did you mean FORKCAST_PLACE?"},
                    VariableCase{"LikeNoOther", {{"FORKCAST_WEATHER", "x"}}, "FORKCAST_WEATHER"},
                    VariableCase{"LikeNoOtherWhereThatIsTaken",
                                 {{"FORKCAST_WEATHER", "x"}},
                                 "",
                                 Program::UnknownVariables::kRefusedWhenMistyped},
                    VariableCase{"MistypedWhereOthersAreTaken",
                                 {{"FORKCAST_PLCE", "x"}},
                                 "FORKCAST_PLCE; did you mean FORKCAST_PLACE?",
                                 Program::UnknownVariables::kRefusedWhenMistyped},
                    VariableCase{"OfAServiceOfKubernetes",
                                 {{"FORKCAST_SERVICE_HOST", "10.0.0.1"},
                                  {"FORKCAST_SERVICE_PORT", "8080"},
                                  {"FORKCAST_SERVICE_PORT_HTTP", "8080"},
                                  {"FORKCAST_PORT", "tcp://10.0.0.1:8080"},
                                  {"FORKCAST_PORT_8080_TCP", "tcp://10.0.0.1:8080"},
                                  {"FORKCAST_PORT_8080_TCP_ADDR", "10.0.0.1"},
                                  {"FORKCAST_API_SERVICE_HOST", "10.0.0.2"}},
                                 ""},
                    VariableCase{
                        "PortThatIsNoService", {{"FORKCAST_PORT", "8080"}}, "FORKCAST_PORT"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
