#include "serving/http/access_log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using namespace std::string_view_literals;
namespace fs = std::filesystem;

AccessEntry Example() {
  return {.peer = "127.0.0.1",
          .method = "POST",
          .target = "/invocations?a=b",
          .version = "HTTP/1.1",
          .request_id = "id-1",
          .worker = 3,
          .status = 200,
          .body_bytes = 45,
          .time = FromMicros(1'709'287'200'123'456),  // 2024-03-01T10:00:00.123456Z
          .latency = std::chrono::microseconds(678)};
}

std::string Line(AccessLogFormat format, const AccessEntry& entry) {
  std::string line;
  AppendAccessLine(format, entry, line);
  return line;
}

TEST(AccessLine, InCommonFormIsThatOfOtherServers) {
  EXPECT_EQ(Line(AccessLogFormat::kCommon, Example()),
            "127.0.0.1 - - [01/Mar/2024:10:00:00 +0000] \"POST /invocations?a=b HTTP/1.1\" 200 "
            "45\n");
}

TEST(AccessLine, AsJsonSaysEverything) {
  EXPECT_EQ(Line(AccessLogFormat::kJson, Example()),
            R"({"time":"2024-03-01T10:00:00.123456Z","peer":"127.0.0.1","method":"POST",)"
            R"("target":"/invocations?a=b","version":"HTTP/1.1","status":200,"body_bytes":45,)"
            R"("latency_us":678,"request_id":"id-1","worker":3})"
            "\n");
}

TEST(AccessLine, AsJsonHasTheTraceThatTheCallerIsIn) {
  AccessEntry entry = Example();
  entry.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto line = nlohmann::json::parse(Line(AccessLogFormat::kJson, entry));
  EXPECT_EQ(line.at("traceparent"), entry.traceparent);
}

TEST(AccessLine, OfBytesThatAreNoRequestOverAUnixSocketHasDashes) {
  AccessEntry entry = Example();
  entry.peer = entry.method = entry.target = entry.version = entry.request_id = {};
  entry.status = 400;
  EXPECT_EQ(Line(AccessLogFormat::kCommon, entry),
            "- - - [01/Mar/2024:10:00:00 +0000] \"-\" 400 45\n");
  const auto json = nlohmann::json::parse(Line(AccessLogFormat::kJson, entry));
  EXPECT_EQ(json.at("peer"), "");
  EXPECT_EQ(json.at("method"), "");
}

struct TargetCase {
  const char* name;
  std::string_view target;
  const char* common;
  std::string read_from_json;  ///< UTF-8; a byte beyond ASCII is the character of its number.
};
void PrintTo(const TargetCase& one, std::ostream* out) { *out << one.name; }

class HostileTarget : public testing::TestWithParam<TargetCase> {};

TEST_P(HostileTarget, StaysInItsFieldOfOneLine) {
  AccessEntry entry = Example();
  entry.target = GetParam().target;
  EXPECT_EQ(Line(AccessLogFormat::kCommon, entry),
            "127.0.0.1 - - [01/Mar/2024:10:00:00 +0000] \"POST " + std::string(GetParam().common) +
                " HTTP/1.1\" 200 45\n");
  const auto json = nlohmann::json::parse(Line(AccessLogFormat::kJson, entry));
  EXPECT_EQ(json.at("target").get<std::string>(), GetParam().read_from_json);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HostileTarget,
    testing::Values(TargetCase{"ALineOfItsOwn", "/\n1.2.3.4 - - [x] \"GET / HTTP/1.1\" 200 0"sv,
                               R"(/\x0a1.2.3.4 - - [x] \"GET / HTTP/1.1\" 200 0)",
                               "/\n1.2.3.4 - - [x] \"GET / HTTP/1.1\" 200 0"},
                    TargetCase{"AMemberOfItsOwn", "/\",\"status\":\"200"sv,
                               R"(/\",\"status\":\"200)", "/\",\"status\":\"200"},
                    TargetCase{"CarriageReturn", "/\r"sv, R"(/\x0d)", "/\r"},
                    TargetCase{"Zero", "/\0/"sv, R"(/\x00/)", std::string("/\0/", 3)},
                    TargetCase{"TerminalCommand", "/\x1b[2J"sv, R"(/\x1b[2J)", "/\x1b[2J"},
                    TargetCase{"Delete", "/\x7f"sv, R"(/\x7f)", "/\x7f"},
                    TargetCase{"BackslashBeforeTheQuote", "/\\"sv, R"(/\\)", "/\\"},
                    TargetCase{"Utf8", "/\xc3\xa9"sv, R"(/\xc3\xa9)", "/\xc3\x83\xc2\xa9"},
                    TargetCase{"NoUtf8", "/\xff"sv, R"(/\xff)", "/\xc3\xbf"}),
    [](const auto& param) { return param.param.name; });

TEST(AccessLine, WhateverComesIsOneLineOfPrintableAsciiThatIsWrittenInOnePiece) {
  std::mt19937 random(20240301);
  std::uniform_int_distribution<int> byte(0, 255);
  for (const std::size_t size : {0U, 1U, 60U, 2040U, 2046U, 2048U, 2050U, 16384U}) {
    for (int i = 0; i < 50; ++i) {
      std::string bytes(size, '\0');
      std::ranges::generate(bytes, [&] { return static_cast<char>(byte(random)); });
      AccessEntry entry = Example();
      entry.method = entry.target = entry.version = entry.request_id = entry.peer = bytes;
      entry.version = "HTTP/1.1";
      entry.worker = SIZE_MAX;
      entry.body_bytes = SIZE_MAX;
      for (const auto format : {AccessLogFormat::kCommon, AccessLogFormat::kJson}) {
        const std::string line = Line(format, entry);
        ASSERT_LE(line.size(), static_cast<std::size_t>(PIPE_BUF));
        ASSERT_EQ(line.find('\n'), line.size() - 1);
        ASSERT_TRUE(std::ranges::all_of(line.substr(0, line.size() - 1),
                                        [](char c) { return c >= 0x20 && c < 0x7F; }));
      }
      const auto json = nlohmann::json::parse(Line(AccessLogFormat::kJson, entry));
      ASSERT_EQ(json.size(), 10U);
      ASSERT_EQ(json.at("status"), 200);
    }
  }
}

TEST(AccessLine, LongTargetIsCutAndSaysSo) {
  AccessEntry entry = Example();
  const auto target_of = [&entry](const std::string& target) {
    entry.target = target;
    return nlohmann::json::parse(Line(AccessLogFormat::kJson, entry)).at("target");
  };
  const std::string longest(2048, 'x');
  EXPECT_EQ(target_of(longest), longest);
  EXPECT_EQ(target_of(longest + "x"), longest.substr(3) + "...");
  // Never within an escape.
  EXPECT_EQ(target_of(std::string(2044, 'x') + "\"yyyy"), std::string(2044, 'x') + "...");
}

class AccessLogFile : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return folder_.path() / "access.log"; }
  [[nodiscard]] AccessLog Open() {
    auto log = AccessLog::Open(AccessLogFormat::kCommon, path(), losses_);
    if (!log) throw std::runtime_error(log.error().message);
    return *std::move(log);
  }
  [[nodiscard]] std::size_t Lines(const std::string& name = "access.log") const {
    const std::string text = ReadWhole(folder_.path() / name);
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  const TempFolder folder_;
  LogLosses losses_;
};

TEST_F(AccessLogFile, IsAppendedTo) {
  folder_.Write("access.log", "before\n");
  AccessLog log = Open();
  log.Write(Example());
  log.Write(Example());
  EXPECT_THAT(ReadWhole(path()), StartsWith("before\n127.0.0.1"));
  EXPECT_EQ(Lines(), 3U);
  EXPECT_EQ(log.TakeLost(), 0U);
}

TEST_F(AccessLogFile, GoesOnInANewFileWhenReopened) {
  AccessLog log = Open();
  log.Write(Example());
  fs::rename(path(), folder_.path() / "access.log.1");
  log.Write(Example());
  EXPECT_EQ(Lines("access.log.1"), 2U);
  ASSERT_TRUE(log.Reopen().ok());
  log.Write(Example());
  EXPECT_EQ(Lines("access.log.1"), 2U);
  EXPECT_EQ(Lines(), 1U);
}

TEST_F(AccessLogFile, GoesOnInTheOldFileWhenThereCanBeNoNewOne) {
  AccessLog log = Open();
  fs::rename(path(), folder_.path() / "access.log.1");
  fs::create_directory(path());
  const Status reopened = log.Reopen();
  ASSERT_FALSE(reopened.ok());
  EXPECT_THAT(reopened.error().message, HasSubstr("access.log: cannot be written to: Is a dir"));
  log.Write(Example());
  EXPECT_EQ(Lines("access.log.1"), 1U);
}

TEST_F(AccessLogFile, ThatCannotBeWrittenIsRefused) {
  const auto log =
      AccessLog::Open(AccessLogFormat::kJson, folder_.path() / "absent" / "a.log", losses_);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, ErrorCode::kIo);
  EXPECT_THAT(log.error().message, HasSubstr("a.log: cannot be written to: No such file"));
}

TEST_F(AccessLogFile, BelongsToWhomeverWorkersRunAs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const auto log = AccessLog::Open(AccessLogFormat::kJson, path(), losses_,
                                   Identity{.user = 54321, .group = 54322, .groups = {}});
  ASSERT_TRUE(log.ok()) << log.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 54321U);
  EXPECT_EQ(status.st_gid, 54322U);
}

TEST_F(AccessLogFile, LinesOfManyProcessesDoNotMix) {
  constexpr int kWriters = 8;
  constexpr int kLines = 500;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      AccessLog log = Open();
      const std::string target(1000, static_cast<char>('a' + writer));
      AccessEntry entry = Example();
      entry.target = target;
      for (int i = 0; i < kLines; ++i) log.Write(entry);
      ::_exit(log.TakeLost() == 0 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  std::istringstream text(ReadWhole(path()));
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines) {
    const std::size_t begin = line.find("POST ") + 5;
    EXPECT_EQ(line.substr(begin, 1000), std::string(1000, line[begin]));
    EXPECT_THAT(line, EndsWith(" HTTP/1.1\" 200 45"));
  }
  EXPECT_EQ(lines, kWriters * kLines);
}

TEST_F(AccessLogFile, LinesThatADiskDoesNotTakeAreCounted) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    AccessLog log = Open();
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_FSIZE, &none);
    log.Write(Example());
    log.Write(Example());
    ::_exit(static_cast<int>(log.TakeLost() * 10 + log.TakeLost()));
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 20) << "two, and none since";
}

/// Standard output leads into a pipe.
class AccessLogPipe : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_ = Fd(ends[0]);
    ::fflush(stdout);
    before_ = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[1]);
  }
  void TearDown() override {
    ::fflush(stdout);
    ::dup2(before_.get(), STDOUT_FILENO);
  }

  Fd reader_;
  Fd before_;
  LogLosses losses_;
};

TEST_F(AccessLogPipe, IsNotWaitedForAndItsLinesAreWhole) {
  auto log = AccessLog::Open(AccessLogFormat::kCommon, "-", losses_);
  ASSERT_TRUE(log.ok()) << log.error().message;
  constexpr std::size_t kMany = 10'000;  // 64 KiB hold less than a thousand
  for (std::size_t i = 0; i < kMany; ++i) log->Write(Example());
  const std::uint64_t lost = log->TakeLost();
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(losses_.lines, lost);
  EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0) << "others go on as before";
  EXPECT_TRUE(log->Reopen().ok());

  std::string text(1U << 20U, '\0');
  text.resize(static_cast<std::size_t>(::read(reader_.get(), text.data(), text.size())));
  const std::string line = Line(AccessLogFormat::kCommon, Example());
  EXPECT_EQ(text.size() / line.size(), kMany - lost);
  EXPECT_EQ(text.size() % line.size(), 0U);
  log->Write(Example());
  EXPECT_EQ(log->TakeLost(), 0U) << "there is room again";
}

}  // namespace
}  // namespace forkcast::serving
