#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "client/scripted_server.hpp"
#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::client {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::HasSubstr;

/// The real program, its output in files.
class Program {
 public:
  Program(const TempFolder& folder, std::vector<std::string> arguments)
      : out_(folder.path() / "stdout"), err_(folder.path() / "stderr") {
    arguments.insert(arguments.begin(), FORKCAST_BIN_DIR "/forkcast-client");
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC;
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out_.c_str(), kCreate, 0600);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err_.c_str(), kCreate, 0600);
    if (::posix_spawn(&pid_, words[0], &files, nullptr, words.data(), environ) != 0) {
      throw std::runtime_error("cannot be started: " + arguments[0]);
    }
    ::posix_spawn_file_actions_destroy(&files);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }

  void Signal(int signal) const { ::kill(pid_, signal); }
  /// Exit code, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] std::string out() const { return ReadWhole(out_); }
  [[nodiscard]] std::string err() const { return ReadWhole(err_); }

 private:
  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t pid_ = -1;
};

struct MisuseCase {
  const char* name;
  std::vector<std::string> arguments;
  const char* complaint;
};

class ClientMisuse : public testing::TestWithParam<MisuseCase> {};

TEST_P(ClientMisuse, ExitsWithTwoAndTheReason) {
  const TempFolder folder;
  Program program(folder, GetParam().arguments);
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_THAT(program.err(), HasSubstr(GetParam().complaint));
  EXPECT_EQ(program.out(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ClientMisuse,
    testing::Values(
        MisuseCase{"WithoutCommand", {}, "usage: forkcast-client COMMAND"},
        MisuseCase{"UnknownCommand", {"play"}, "unknown command \"play\""},
        MisuseCase{"WithoutOrders", {"replay"}, "--orders is missing"},
        MisuseCase{"UnknownOption", {"replay", "--orders", "o", "--fast"}, "unknown flag --fast"},
        MisuseCase{"BadValue",
                   {"replay", "--orders", "o", "--batch", "x"},
                   "--batch: \"x\" is not allowed; expected a whole number"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ClientProgram, HelpsOnStandardOutput) {
  const TempFolder folder;
  Program general(folder, {"--help"});
  EXPECT_EQ(general.Wait(), 0);
  EXPECT_THAT(general.out(), HasSubstr("replay"));
  Program replay(folder, {"replay", "--help"});
  EXPECT_EQ(replay.Wait(), 0);
  for (const char* told : {"--orders", "--url", "--concurrency", "--rate", "--batch", "--format",
                           "--out", "--expect", "--count-by", "--wait", "--timeout",
                           "--max-failures", "--json", "--quiet", "FORKCAST_URL", "Exit codes"}) {
    EXPECT_THAT(replay.out(), HasSubstr(told));
  }
}

TEST(ClientProgram, ReportsOnStandardOutputAndProgressOnStandardError) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  const std::string orders = folder.WriteGzip("o.csv.gz", "id,zip\n01,1\n02,2\n");
  Program program(folder, {"replay", "--orders", orders, "--url", server.url()});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.out(), HasSubstr("rows      2 answered, 0 failed\n"));
  EXPECT_THAT(program.out(), HasSubstr("Deliver"));
  EXPECT_THAT(program.err(), HasSubstr("100 %  2 of 2 rows"));
}

TEST(ClientProgram, ReportsAsOneLineOfJsonAndNothingElseWhenAsked) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  const std::string orders = folder.Write("o.csv", "id,zip\n01,1\n02,2\n");
  Program program(folder,
                  {"replay", "--orders", orders, "--url", server.url(), "--json", "--quiet"});
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(nlohmann::json::parse(program.out())["answered"], 2);
  EXPECT_EQ(program.err(), "");
}

/// What a shell says of the program; `arguments` may redirect it.
struct Ended {
  int code = 0;
  std::string out;  ///< What is not redirected of standard output and error.
};

Ended InShell(const std::string& before, const std::string& arguments) {
  const std::string command =
      fmt::format("({} {}/forkcast-client {}) 2>&1", before, FORKCAST_BIN_DIR, arguments);
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

TEST(ClientProgram, SaysWhyItsReportCannotBeWritten) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  const std::string orders = folder.Write("o.csv", "id,zip\n01,1\n");
  const Ended ended = InShell(
      "", fmt::format("replay --orders {} --url {} --quiet >/dev/full", orders, server.url()));
  EXPECT_EQ(ended.code, 5);
  EXPECT_EQ(ended.out, "forkcast-client replay: standard output: No space left on device\n");
}

TEST(ClientProgram, ReadsOrdersAndWritesAnswersWhereADashIs) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  const std::string report = folder.path() / "report";
  const Ended ended =
      InShell("printf 'id,zip\\n01,1\\n02,2\\n' |",
              fmt::format("replay --orders - --out - --quiet --url {} 2>{}", server.url(), report));
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out,
            "{\"id\":\"01\",\"recommendation\":\"Deliver\"}\n"
            "{\"id\":\"02\",\"recommendation\":\"Deliver\"}\n");
  EXPECT_THAT(ReadWhole(report), HasSubstr("rows      2 answered, 0 failed\n"));
}

TEST(ClientProgram, RaisesALowSoftLimitOfOpenFiles) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  std::string text = "id,zip\n";
  for (int i = 0; i < 200; ++i) text += fmt::format("{},1\n", i);
  const std::string orders = folder.Write("o.csv", text);
  const Ended ended = InShell("ulimit -S -n 16;", fmt::format("replay --orders {} --url {} --quiet "
                                                              "--concurrency 64",
                                                              orders, server.url()));
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("rows      200 answered, 0 failed\n"));
}

TEST(ClientProgram, NamesAHardLimitOfOpenFilesThatIsTooLow) {
  const Ended ended = InShell("ulimit -n 16;", "replay --orders o.csv --concurrency 64");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, HasSubstr("--concurrency: 64 connections need 80 open files, and 16 are "
                                   "allowed"));
}

TEST(ClientProgram, ExitsWithFiveAndReportsNothingWhenTheInputCannotBeRead) {
  const TempFolder folder;
  Program program(folder, {"replay", "--orders", folder.path() / "absent.csv", "--wait", "0"});
  EXPECT_EQ(program.Wait(), 5);
  EXPECT_THAT(program.err(), HasSubstr("absent.csv: cannot be opened"));
  EXPECT_EQ(program.out(), "");
}

class ClientInterrupted : public testing::TestWithParam<int> {};

TEST_P(ClientInterrupted, ReportsWhatWasDoneAndWritesItsResults) {
  const TempFolder folder;
  ScriptedServer server(GoodReply);
  std::string text = "id,zip\n";
  for (int i = 0; i < 100'000; ++i) text += fmt::format("{},1\n", i);
  const std::string orders = folder.Write("o.csv", text);
  const std::string results = folder.path() / "r.jsonl";
  // At this rate it would take a quarter of an hour.
  Program program(folder, {"replay", "--orders", orders, "--url", server.url(), "--rate", "100",
                           "--out", results, "--json", "--quiet"});
  ASSERT_TRUE(server.WaitForPosts(5));
  program.Signal(GetParam());
  EXPECT_EQ(program.Wait(), 128 + GetParam());
  const nlohmann::json report = nlohmann::json::parse(program.out());
  EXPECT_EQ(report["failed"], 0);
  EXPECT_EQ(report["rows"], server.posts().size());
  const std::string written = ReadWhole(results);
  EXPECT_EQ(std::ranges::count(written, '\n'), report["rows"].get<long>());
}

INSTANTIATE_TEST_SUITE_P(Signals, ClientInterrupted, testing::Values(SIGINT, SIGTERM),
                         [](const auto& param) {
                           return std::string(param.param == SIGINT ? "ByInt" : "ByTerm");
                         });

TEST(ClientProgram, ASecondSignalEndsWhatIsUnderWay) {
  const TempFolder folder;
  ScriptedServer server(
      [](const SeenRequest&) { return Reply{.then = Reply::Then::kHoldUntilPeerLeaves}; });
  const std::string orders = folder.Write("o.csv", "id,zip\n01,1\n");
  Program program(folder, {"replay", "--orders", orders, "--url", server.url(), "--json"});
  ASSERT_TRUE(server.WaitForPosts(1));
  program.Signal(SIGINT);
  program.Signal(SIGTERM);  // another one: two of a kind may be seen as one
  EXPECT_THAT(program.Wait(), testing::AnyOf(130, 143));
  const nlohmann::json report = nlohmann::json::parse(program.out());
  EXPECT_EQ(report["first_failures"][0]["error"]["code"], "interrupted");
}

}  // namespace
}  // namespace forkcast::client
