#include "data_preprocessing/base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <vector>

#include "support/test_files.hpp"

namespace forkcast {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class AtomicFileTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path path() const { return folder_.path() / "report"; }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  const preprocessing::TempFolder folder_;
};

TEST_F(AtomicFileTest, IsNotThereUntilItIsCommitted) {
  AtomicFile file(path());
  file.Write("new");
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_EQ(preprocessing::ReadWhole(file.temporary_path()), "new");
  file.Commit();
  EXPECT_EQ(preprocessing::ReadWhole(path()), "new");
  EXPECT_THAT(Names(), ElementsAre("report"));
}

TEST_F(AtomicFileTest, ReplacesTheOldFileWhole) {
  folder_.Write("report", "a much longer old text");
  AtomicFile file(path());
  file.Write("new");
  EXPECT_EQ(preprocessing::ReadWhole(path()), "a much longer old text");
  file.Commit();
  EXPECT_EQ(preprocessing::ReadWhole(path()), "new");
}

TEST_F(AtomicFileTest, NotCommittedLeavesTheOldFileAndNothingElse) {
  folder_.Write("report", "old");
  { AtomicFile(path()).Write("half of the n"); }
  EXPECT_EQ(preprocessing::ReadWhole(path()), "old");
  EXPECT_THAT(Names(), ElementsAre("report"));
}

TEST_F(AtomicFileTest, TwoWritersDoNotMix) {
  AtomicFile first(path());
  AtomicFile second(path());
  first.Write("first");
  second.Write("second");
  second.Commit();
  first.Commit();
  EXPECT_EQ(preprocessing::ReadWhole(path()), "first");
  EXPECT_THAT(Names(), ElementsAre("report"));
}

TEST_F(AtomicFileTest, WriteAtOverwritesAndTheNextWriteGoesOnBehind) {
  AtomicFile file(path());
  file.Write("....body");
  file.WriteAt(0, std::as_bytes(std::span(std::string_view("head"))));
  file.Write("tail");
  file.Commit();
  EXPECT_EQ(preprocessing::ReadWhole(path()), "headbodytail");
}

TEST_F(AtomicFileTest, CanBeReadByOtherUsersButNotWritten) {
  AtomicFile file(path());
  file.Commit();
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
}

TEST_F(AtomicFileTest, InAFolderThatCannotBeWrittenToIsAnErrorNamingThePath) {
  const fs::path absent = folder_.path() / "absent" / "report";
  try {
    const AtomicFile file(absent);
    FAIL() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(absent.string()));
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
  }
}

TEST_F(AtomicFileTest, ThatCannotTakeItsNameLeavesWhatHasItAndNothingElse) {
  fs::create_directories(path() / "inside");
  try {
    AtomicFile file(path());
    file.Write("new");
    file.Commit();
    FAIL() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(path().string()));
  }
  EXPECT_TRUE(fs::exists(path() / "inside"));
  EXPECT_THAT(Names(), ElementsAre("report"));
}

/// Writes more than a limit on the size of files allows, which stands in for a full disk. Ends the
/// process, for which the limit holds.
[[noreturn]] void WriteBeyondTheLimit(const fs::path& path) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  try {
    AtomicFile file(path);
    file.Write(std::string(10'000, 'x'));
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "%s", error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

TEST_F(AtomicFileTest, ThatCannotBeWrittenToItsEndIsAnErrorAndLeavesNothing) {
  EXPECT_EXIT(WriteBeyondTheLimit(path()), testing::ExitedWithCode(1), "File too large");
  EXPECT_TRUE(Names().empty());
}

}  // namespace
}  // namespace forkcast
