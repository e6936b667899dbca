#include "serving/capture/capture_file.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using std::chrono::hours;

constexpr UtcHour kHour = std::chrono::sys_days(std::chrono::January / 31 / 2024) + hours(23);

TEST(CaptureFolder, NeedNotExistWhereItCanBeMade) {
  const TempFolder folder;
  EXPECT_FALSE(TryFolder(folder.path() / "a" / "b"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a")) << "nothing is left behind";
}

TEST(CaptureFolder, CannotBeBelowAFile) {
  const TempFolder folder;
  folder.Write("a", "");
  EXPECT_EQ(TryFolder(folder.path() / "a"), std::errc::not_a_directory);
  EXPECT_EQ(TryFolder(folder.path() / "a" / "b"), std::errc::not_a_directory);
}

// While it lives, a write beyond `bytes` of a file fails, after writing what fits: as on a full
// disk, and for root too.
class FullAfter {
 public:
  explicit FullAfter(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullAfter(const FullAfter&) = delete;
  FullAfter& operator=(const FullAfter&) = delete;
  ~FullAfter() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

class CaptureFileTest : public testing::Test {
 protected:
  TempFolder folder_;
  CaptureFile file_{folder_.path() / "orders" / "AllTraffic", "stem"};
};

TEST_F(CaptureFileTest, IsBelowAFolderForEachHour) {
  EXPECT_EQ(file_.Append(kHour, "a\nb\n").kept, 4U);
  EXPECT_EQ(file_.Append(kHour, "c\n").kept, 2U);
  EXPECT_EQ(file_.Append(kHour + hours(1), "d\n").kept, 2U);
  EXPECT_EQ(file_.Append(kHour, "late\n").kept, 5U);
  const auto base = folder_.path() / "orders" / "AllTraffic";
  EXPECT_EQ(ReadWhole(base / "2024/01/31/23/stem.jsonl"), "a\nb\nc\nlate\n");
  EXPECT_EQ(ReadWhole(base / "2024/02/01/00/stem.jsonl"), "d\n");
}

TEST_F(CaptureFileTest, OnAFullDiskKeepsWholeLinesAndGoesOnWhenThereIsRoom) {
  ASSERT_EQ(file_.Append(kHour, "first\n").kept, 6U);
  {
    const FullAfter limit(16);
    const CaptureFile::Outcome outcome = file_.Append(kHour, "second\nthird\nfourth\n");
    EXPECT_EQ(outcome.kept, 7U);
    EXPECT_EQ(outcome.error, std::errc::file_too_large);
    EXPECT_EQ(ReadWhole(file_.PathOf(kHour)), "first\nsecond\n");
    EXPECT_EQ(file_.Append(kHour, "does not fit\n").kept, 0U);
    EXPECT_EQ(ReadWhole(file_.PathOf(kHour)), "first\nsecond\n");
  }
  EXPECT_EQ(file_.Append(kHour, "fifth\n").kept, 6U);
  EXPECT_EQ(ReadWhole(file_.PathOf(kHour)), "first\nsecond\nfifth\n");
}

TEST_F(CaptureFileTest, ThatWasDeletedIsMadeAgain) {
  ASSERT_EQ(file_.Append(kHour, "a\n").kept, 2U);
  std::filesystem::remove_all(folder_.path() / "orders");
  EXPECT_EQ(file_.Append(kHour, "b\n").kept, 2U);
  EXPECT_EQ(ReadWhole(file_.PathOf(kHour)), "b\n");
}

TEST_F(CaptureFileTest, BelowSomethingThatIsNoFolderFailsUntilThatIsGone) {
  const auto obstacle = folder_.Write("orders", "a file");
  const CaptureFile::Outcome outcome = file_.Append(kHour, "a\n");
  EXPECT_EQ(outcome.kept, 0U);
  EXPECT_EQ(outcome.error, std::errc::not_a_directory);
  std::filesystem::remove(obstacle);
  EXPECT_EQ(file_.Append(kHour, "b\n").kept, 2U);
  EXPECT_EQ(ReadWhole(file_.PathOf(kHour)), "b\n");
}

}  // namespace
}  // namespace forkcast::serving
