#include "serving/process/log_output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "serving/process/process_log.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kLine =
    "a line of the log, of which many do not fit, whatever it is " + std::string(400, 'x') + "\n";

/// Whoever reads what is written, and the end that is written to.
struct Ends {
  Fd reader;
  Fd writer;
};

Ends MakePipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Ends MakeStreamSockets() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

/// As Ctrl-S stops it.
Ends MakeStoppedTerminal() {
  int master = -1;
  int slave = -1;
  EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  termios mode{};
  ::tcgetattr(slave, &mode);
  ::cfmakeraw(&mode);  // line feeds stay what they are
  ::tcsetattr(slave, TCSANOW, &mode);
  ::tcflow(slave, TCOOFF);
  return {Fd(master), Fd(slave)};
}

/// Standard error leads there while it lives.
class StandardError {
 public:
  explicit StandardError(const Fd& target) : before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(target.get(), STDERR_FILENO);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  ~StandardError() { ::dup2(before_.get(), STDERR_FILENO); }

 private:
  Fd before_;
};

/// Root may open everything anew; somebody else may not what is closed to all.
class AsSomebodyElse {
 public:
  AsSomebodyElse() {
    const passwd* const nobody = ::getpwnam("nobody");
    if (before_ == 0 && nobody != nullptr) changed_ = ::seteuid(nobody->pw_uid) == 0;
  }
  AsSomebodyElse(const AsSomebodyElse&) = delete;
  AsSomebodyElse& operator=(const AsSomebodyElse&) = delete;
  ~AsSomebodyElse() {
    if (changed_) {
      EXPECT_EQ(::seteuid(before_), 0);
    }
  }

 private:
  uid_t before_ = ::geteuid();
  bool changed_ = false;
};

/// What is there.
std::string ReadAll(const Fd& reader) {
  std::string all;
  std::array<char, 65536> some{};
  pollfd asked{.fd = reader.get(), .events = POLLIN, .revents = 0};
  while (::poll(&asked, 1, 0) == 1 && (asked.revents & POLLIN) != 0) {
    const ssize_t got = ::read(reader.get(), some.data(), some.size());
    if (got <= 0) break;
    all.append(some.data(), static_cast<std::size_t>(got));
  }
  return all;
}

/// What comes up to `ending`. A terminal passes on what was written a moment later.
std::string ReadUntil(std::string_view ending, const Fd& reader) {
  std::string all;
  while (!all.ends_with(ending)) all += ReadAll(reader);
  return all;
}

struct ReaderCase {
  const char* name;
  Ends (*make)();
  bool may_be_opened_anew = true;
};
void PrintTo(const ReaderCase& one, std::ostream* out) { *out << one.name; }

class LogThatNobodyDrains : public testing::TestWithParam<ReaderCase> {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    ::alarm(60);  // instead of waiting for ever
    ends_ = GetParam().make();
    if (!GetParam().may_be_opened_anew) {
      ASSERT_EQ(::fchmod(ends_.writer.get(), 0), 0);
    }
    flags_ = ::fcntl(ends_.writer.get(), F_GETFL);
  }
  void TearDown() override { ::alarm(0); }

  LogOutput Open() {
    const StandardError standard_error(ends_.writer);
    std::optional<AsSomebodyElse> somebody_else;
    if (!GetParam().may_be_opened_anew) somebody_else.emplace();
    return LogOutput::OfStandard(STDERR_FILENO, losses_);
  }
  /// Writes until nothing more is taken; returns how many lines were.
  static std::size_t Fill(LogOutput& output) {
    std::size_t taken = 0;
    while (taken < 100'000 && output.Write(kLine)) ++taken;
    return taken;
  }

  Ends ends_;
  int flags_ = 0;
  LogLosses losses_;
};

TEST_P(LogThatNobodyDrains, LosesLinesWithoutWaitingAndCountsThem) {
  LogOutput output = Open();
  const std::size_t taken = Fill(output);
  EXPECT_LT(taken, 100'000U);
  EXPECT_EQ(losses_.lines, 1U);
  EXPECT_FALSE(output.Write(kLine));
  EXPECT_EQ(losses_.lines, 2U);
  EXPECT_EQ(::fcntl(ends_.writer.get(), F_GETFL), flags_) << "others go on as before";
}

TEST_P(LogThatNobodyDrains, GoesOnWithWholeLinesOnceItIsRead) {
  LogOutput output = Open();
  const std::size_t taken = Fill(output);
  ::tcflow(ends_.writer.get(), TCOON);  // Ctrl-Q, of a terminal
  std::string text = ReadAll(ends_.reader);
  EXPECT_TRUE(output.Write("behind the gap\n"));
  text += ReadUntil("behind the gap\n", ends_.reader);
  std::string whole;
  for (std::size_t i = 0; i < taken; ++i) whole += kLine;
  EXPECT_THAT(text, StartsWith(whole));
  const std::string_view rest = std::string_view(text).substr(whole.size());
  EXPECT_EQ(rest.substr(rest.find('b')), "behind the gap\n");
  EXPECT_TRUE(rest.front() == 'b' || rest.find("\nb") != std::string_view::npos) << rest;
  EXPECT_TRUE(output.Write(kLine));
  EXPECT_EQ(losses_.lines, 1U);
}

INSTANTIATE_TEST_SUITE_P(Cases, LogThatNobodyDrains,
                         testing::Values(ReaderCase{"Pipe", MakePipe},
                                         ReaderCase{"PipeThatMayNotBeOpenedAnew", MakePipe, false},
                                         ReaderCase{"StreamSocket", MakeStreamSockets},
                                         ReaderCase{"StoppedTerminal", MakeStoppedTerminal},
                                         ReaderCase{"StoppedTerminalThatMayNotBeOpenedAnew",
                                                    MakeStoppedTerminal, false}),
                         [](const auto& param) { return std::string(param.param.name); });

class LogOutputTest : public testing::Test {
 protected:
  const TempFolder folder_;
  LogLosses losses_;
};

TEST_F(LogOutputTest, WithoutReaderLosesLines) {
  ::signal(SIGPIPE, SIG_IGN);
  Ends ends = MakePipe();
  const StandardError standard_error(ends.writer);
  LogOutput output = LogOutput::OfStandard(STDERR_FILENO, losses_);
  ends.reader.Reset();
  EXPECT_FALSE(output.Write(kLine));
  EXPECT_EQ(losses_.lines, 1U);
}

TEST_F(LogOutputTest, OfAClosedDescriptorLosesLines) {
  const Fd before(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ::close(STDERR_FILENO);
  LogOutput output = LogOutput::OfStandard(STDERR_FILENO, losses_);
  ::dup2(before.get(), STDERR_FILENO);
  EXPECT_FALSE(static_cast<bool>(output));
  EXPECT_FALSE(output.Write(kLine));
  EXPECT_EQ(losses_.lines, 1U);
}

TEST_F(LogOutputTest, BeginsANewLineBehindOneThatADiskTookInPart) {
  const auto path = folder_.path() / "log";
  const auto open = [&path] {
    return Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  };
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit full{.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  LogOutput output(open(), losses_);
  EXPECT_FALSE(output.Write("in part, and then no more\n"));
  EXPECT_FALSE(output.Write("nothing of this\n"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  LogOutput of_another_process(open(), losses_);
  EXPECT_TRUE(of_another_process.Write("whole again\n"));
  EXPECT_TRUE(output.Write("and whole\n"));
  EXPECT_EQ(ReadWhole(path), "in part, a\nwhole again\nand whole\n");
  EXPECT_EQ(losses_.lines, 2U);
}

TEST_F(LogOutputTest, LogTellsOfItsGapBeforeTheNextLineThatIsTaken) {
  const Ends ends = MakePipe();
  const StandardError standard_error(ends.writer);
  LogOutput output = LogOutput::OfStandard(STDERR_FILENO, losses_);
  const auto log = MakeProcessLog("worker=1", "info", output);
  while (losses_.lines < 3) log->info("event text={:?}", std::string(1000, 'x'));
  std::string text = ReadAll(ends.reader);
  log->info("read_again");
  text += ReadAll(ends.reader);
  EXPECT_THAT(text, HasSubstr(" warning worker=1 pid="));
  EXPECT_THAT(text, EndsWith(" read_again\n"));
  // A short line may be taken where a long one was not, so that there is more than one gap.
  constexpr std::string_view kNote = " log_lines_lost lines=";
  std::uint64_t told = 0;
  for (std::size_t at = text.find(kNote); at != std::string::npos; at = text.find(kNote, at + 1)) {
    told += std::stoul(text.substr(at + kNote.size()));
  }
  EXPECT_EQ(told, losses_.lines);
  log->info("event");
  EXPECT_THAT(ReadAll(ends.reader), EndsWith(" event\n"));
}

TEST_F(LogOutputTest, LogCutsALineThatWouldNotBeWrittenInOnePiece) {
  const Ends ends = MakePipe();
  const StandardError standard_error(ends.writer);
  LogOutput output = LogOutput::OfStandard(STDERR_FILENO, losses_);
  MakeProcessLog("master", "info", output)->info("event text={:?}", std::string(5000, 'x'));
  const std::string text = ReadAll(ends.reader);
  EXPECT_EQ(text.size(), 4096U);
  EXPECT_THAT(text, EndsWith("xxx...\n"));
}

}  // namespace
}  // namespace forkcast::serving
