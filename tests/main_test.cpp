#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace forkcast {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Ended {
  int code = 0;
  std::string out;  ///< Standard output and error.
};

/// Runs the program through a shell.
Ended RunProgram(const std::string& arguments) {
  const std::string command = FORKCAST_BIN_DIR "/forkcast " + arguments + " 2>&1";
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

TEST(Program, ListsItsCommandsAndRefusesOthers) {
  const Ended help = RunProgram("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("\n  ingest "), HasSubstr("\n  serve ")));
  const Ended unknown = RunProgram("ingets --store x");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.out, AllOf(HasSubstr("unknown command \"ingets\""), HasSubstr("ingest")));
  EXPECT_EQ(RunProgram("").code, 2);
  const Ended version = RunProgram("--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("forkcast [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Program, HandsArgumentsAndExitCodeOn) {
  EXPECT_THAT(RunProgram("ingest --help").out, HasSubstr("usage: forkcast ingest"));
  const Ended refused = RunProgram("ingest --store sqlite:/absent/x");
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.out, HasSubstr("--pipeline"));
}

}  // namespace
}  // namespace forkcast
