#include "serving/process/pid_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using testing::HasSubstr;
namespace fs = std::filesystem;

class PidFileTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return folder_.path() / "f.pid"; }
  [[nodiscard]] Result<PidFile> Open() const { return PidFile::Open(path()); }
  static std::string OurNumber() { return std::to_string(::getpid()) + "\n"; }

  const TempFolder folder_;
};

TEST_F(PidFileTest, NamesThisProcessForAllToReadAndIsGoneAfterwards) {
  const mode_t before = ::umask(0077);
  auto file = Open();
  ::umask(before);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(ReadWhole(path()), OurNumber());
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0644U);
  { const PidFile ended(*std::move(file)); }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFileTest, IsRefusedWhileAnotherHoldsItAndNamesThatOne) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = Open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(second.error().message,
            path().string() + ": held by the running process " + std::to_string(::getpid()));
  EXPECT_EQ(ReadWhole(path()), OurNumber());
}

TEST_F(PidFileTest, TakesOverWhatAKilledServerLeft) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = Open();
    [[maybe_unused]] const ssize_t written = ::write(pipe[1], held.ok() ? "1" : "0", 1);
    while (true) ::pause();
  }
  char held = '?';
  ASSERT_EQ(::read(pipe[0], &held, 1), 1);
  EXPECT_EQ(held, '1');
  EXPECT_FALSE(Open().ok());
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto file = Open();
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(ReadWhole(path()), OurNumber());
}

struct ContentCase {
  const char* name;
  const char* content;
  bool taken;
};
void PrintTo(const ContentCase& one, std::ostream* out) { *out << one.name; }

class PidFileContent : public PidFileTest, public testing::WithParamInterface<ContentCase> {};

TEST_P(PidFileContent, IsReplacedWhenAServerWroteItAndElseLeft) {
  folder_.Write("f.pid", GetParam().content);
  {
    const auto file = Open();
    EXPECT_EQ(file.ok(), GetParam().taken);
    EXPECT_EQ(ReadWhole(path()), GetParam().taken ? OurNumber() : GetParam().content);
    if (!file.ok()) {
      EXPECT_EQ(file.error().code, ErrorCode::kIo);
      EXPECT_THAT(file.error().message, HasSubstr("holds something else than a process id"));
    }
  }
  EXPECT_EQ(fs::exists(path()), !GetParam().taken);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PidFileContent,
    testing::Values(ContentCase{"Nothing", "", true}, ContentCase{"ANumber", "1\n", true},
                    ContentCase{"ALongerNumber", "1234567890\n", true},
                    ContentCase{"ANumberWithoutEnd", "17", true},
                    ContentCase{"Text", "root:x:0:0:root:/root:/bin/bash\n", false},
                    ContentCase{"ANumberTooLong", "12345678901\n", false},
                    ContentCase{"ANegativeNumber", "-1\n", false},
                    ContentCase{"TwoLines", "1\n2\n", false}),
    [](const auto& param) { return param.param.name; });

struct ObstacleCase {
  const char* name;
  std::function<void(const fs::path&)> put;
  const char* complaint;
};
void PrintTo(const ObstacleCase& one, std::ostream* out) { *out << one.name; }

class PidFileObstacle : public PidFileTest, public testing::WithParamInterface<ObstacleCase> {};

TEST_P(PidFileObstacle, IsRefusedAndStays) {
  GetParam().put(path());
  const auto before = fs::symlink_status(path()).type();
  const auto file = Open();
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_THAT(file.error().message, HasSubstr(GetParam().complaint));
  EXPECT_EQ(fs::symlink_status(path()).type(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PidFileObstacle,
    testing::Values(
        ObstacleCase{"ALink", [](const fs::path& path) { fs::create_symlink("elsewhere", path); },
                     "cannot be opened: Too many levels of symbolic links"},
        ObstacleCase{"AFolder", [](const fs::path& path) { fs::create_directory(path); },
                     "cannot be opened: Is a directory"},
        ObstacleCase{"APipe", [](const fs::path& path) { ::mkfifo(path.c_str(), 0600); },
                     "is no regular file"}),
    [](const auto& param) { return param.param.name; });

TEST_F(PidFileTest, RefusesAFolderThatDoesNotExist) {
  const auto file = PidFile::Open(folder_.path() / "absent" / "f.pid");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().message, HasSubstr("cannot be opened: No such file"));
}

TEST_F(PidFileTest, LeavesAFileThatTookItsPlace) {
  {
    const auto file = Open();
    ASSERT_TRUE(file.ok()) << file.error().message;
    fs::remove(path());
    folder_.Write("f.pid", "17\n");
  }
  EXPECT_EQ(ReadWhole(path()), "17\n");
}

TEST_F(PidFileTest, IsNeitherRemovedNorUnlockedByAForkedCopy) {
  auto file = Open();
  ASSERT_TRUE(file.ok()) << file.error().message;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    { const PidFile copy(*std::move(file)); }
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(ReadWhole(path()), OurNumber());
  EXPECT_FALSE(Open().ok());
}

TEST_F(PidFileTest, IsRemovedFromAnotherWorkingDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  {
    const auto file = PidFile::Open("f.pid");
    fs::current_path(before);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_TRUE(fs::exists(path()));
  }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFileTest, SuccessorTakesThePathAndItsPredecessorLeavesItAlone) {
  auto old = Open();
  ASSERT_TRUE(old.ok()) << old.error().message;
  auto successor = PidFile::Open(path().string() + ".2");
  ASSERT_TRUE(successor.ok()) << successor.error().message;
  ASSERT_TRUE(successor->MoveTo(path()).ok());
  EXPECT_EQ(successor->path(), path());
  EXPECT_FALSE(fs::exists(path().string() + ".2"));
  { const PidFile ended(*std::move(old)); }
  EXPECT_EQ(ReadWhole(path()), OurNumber());
  EXPECT_FALSE(Open().ok()) << "the lock went along";
  { const PidFile ended(*std::move(successor)); }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(PidFileTest, StaysWhereItIsWhenItCannotBeMoved) {
  auto file = Open();
  ASSERT_TRUE(file.ok()) << file.error().message;
  const Status moved = file->MoveTo(folder_.path() / "absent" / "f.pid");
  ASSERT_FALSE(moved.ok());
  EXPECT_THAT(moved.error().message, HasSubstr("cannot be replaced: No such file"));
  EXPECT_EQ(file->path(), path());
  EXPECT_FALSE(Open().ok());
}

TEST_F(PidFileTest, OfManyThatStartAtOnceOneGetsIt) {
  constexpr int kStarters = 8;
  std::vector<std::optional<Result<PidFile>>> opened(kStarters);
  std::vector<std::thread> threads;
  for (auto& one : opened) threads.emplace_back([&] { one.emplace(Open()); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::ranges::count_if(opened, [](const auto& one) { return one->ok(); }), 1);
}

}  // namespace
}  // namespace forkcast::serving
