#include "serving/capture/capture_files.hpp"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <zlib.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "support/hook_testing.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;
using preprocessing::TempFolder;
using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr UtcHour kHour = std::chrono::sys_days(std::chrono::January / 31 / 2024) + hours(23);
const std::string kStem = "20240131T230000.000000Z-7";

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

std::string Unpacked(const fs::path& path) {
  gzFile file = ::gzopen(path.c_str(), "rb");
  std::string text(1 << 20, '\0');
  const int got = ::gzread(file, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(file);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

class CaptureFilesTest : public testing::Test {
 protected:
  CaptureFiles& Start(const CaptureFileRules& rules = {}) {
    files_.emplace(base(), kStem, rules, clock_);
    return *files_;
  }
  [[nodiscard]] fs::path base() const { return folder_.path() / "orders" / "AllTraffic"; }
  /// A file of another recorder, of an hour of that day.
  fs::path Write(const std::string& name, const std::string& text) {
    fs::create_directories(base() / "2024/01/31/20");
    const fs::path path = base() / "2024/01/31/20" / name;
    std::ofstream(path) << text;
    fs::last_write_time(path, fs::last_write_time(path) - hours(24 * 365 * 10) - next_age_);
    next_age_ -= std::chrono::minutes(1);
    return path;
  }
  /// Names of all files, by their paths.
  [[nodiscard]] std::set<std::string> Names() const {
    std::set<std::string> names;
    if (!fs::exists(base())) return names;
    for (const auto& entry : fs::recursive_directory_iterator(base())) {
      if (entry.is_regular_file()) names.insert(entry.path().filename());
    }
    return names;
  }
  [[nodiscard]] std::uint64_t TotalBytes() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(base())) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  }
  void PackAll() {
    while (files_->Pack()) {
    }
  }

  TempFolder folder_;
  ManualClock clock_;
  std::optional<CaptureFiles> files_;
  std::chrono::minutes next_age_{1000};
};

TEST_F(CaptureFilesTest, AreBelowAFolderForEachHour) {
  CaptureFiles& files = Start();
  EXPECT_EQ(files.Append(kHour, "a\nb\n").kept, 2U);
  EXPECT_EQ(files.Append(kHour, "c\n").kept, 1U);
  EXPECT_EQ(files.Append(kHour + hours(1), "d\n").kept, 1U);
  EXPECT_EQ(files.Append(kHour, "late\n").kept, 1U);
  EXPECT_EQ(ReadWhole(base() / "2024/01/31/23" / (kStem + ".jsonl")), "a\nb\nc\nlate\n");
  EXPECT_EQ(ReadWhole(base() / "2024/02/01/00" / (kStem + ".jsonl")), "d\n");
}

TEST_F(CaptureFilesTest, OnAFullDiskKeepWholeLinesAndGoOnWhenThereIsRoom) {
  CaptureFiles& files = Start();
  ASSERT_EQ(files.Append(kHour, "first\n").kept, 1U);
  {
    const FullAfter limit(16);
    const CaptureFiles::Outcome outcome = files.Append(kHour, "second\nthird\nfourth\n");
    EXPECT_EQ(outcome.kept, 1U);
    EXPECT_EQ(outcome.lost, 2U);
    EXPECT_EQ(outcome.error, std::errc::file_too_large);
    EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "first\nsecond\n");
    EXPECT_EQ(files.Append(kHour, "does not fit\n").kept, 0U);
    EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "first\nsecond\n");
  }
  EXPECT_EQ(files.Append(kHour, "fifth\n").kept, 1U);
  EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "first\nsecond\nfifth\n");
}

TEST_F(CaptureFilesTest, ThatWereDeletedAreMadeAgain) {
  CaptureFiles& files = Start();
  ASSERT_EQ(files.Append(kHour, "a\n").kept, 1U);
  fs::remove_all(folder_.path() / "orders");
  EXPECT_EQ(files.Append(kHour, "b\n").kept, 1U);
  EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "b\n");
}

TEST_F(CaptureFilesTest, BelowSomethingThatIsNoFolderFailUntilThatIsGone) {
  const auto obstacle = folder_.Write("orders", "a file");
  CaptureFiles& files = Start();
  const CaptureFiles::Outcome outcome = files.Append(kHour, "a\n");
  EXPECT_EQ(outcome.kept, 0U);
  EXPECT_EQ(outcome.lost, 1U);
  EXPECT_EQ(outcome.error, std::errc::not_a_directory);
  fs::remove(obstacle);
  EXPECT_EQ(files.Append(kHour, "b\n").kept, 1U);
  EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "b\n");
}

TEST_F(CaptureFilesTest, AreFullAtTheirMostBytesBetweenTwoLines) {
  CaptureFiles& files = Start({.max_file_bytes = 8});
  EXPECT_EQ(files.Append(kHour, "aaa\nbbb\nccc\n").kept, 3U);
  EXPECT_EQ(files.Append(kHour, "ddd\n").kept, 1U);
  EXPECT_EQ(files.Append(kHour, "eeee\n").kept, 1U);
  const fs::path hour = base() / "2024/01/31/23";
  EXPECT_EQ(ReadWhole(hour / (kStem + ".jsonl")), "aaa\nbbb\n");
  EXPECT_EQ(ReadWhole(hour / (kStem + "-2.jsonl")), "ccc\nddd\n");
  EXPECT_EQ(ReadWhole(hour / (kStem + "-3.jsonl")), "eeee\n");
}

TEST_F(CaptureFilesTest, LoseALineThatIsLongerThanAFileMayBeAndNoOther) {
  CaptureFiles& files = Start({.max_file_bytes = 4});
  const CaptureFiles::Outcome outcome = files.Append(kHour, "aaa\nfar too long\nbbb\n");
  EXPECT_EQ(outcome.kept, 2U);
  EXPECT_EQ(outcome.lost, 1U);
  EXPECT_EQ(outcome.error, std::errc::file_too_large);
}

TEST_F(CaptureFilesTest, AreFullAtTheirMostAge) {
  CaptureFiles& files = Start({.max_file_age = seconds(60)});
  ASSERT_EQ(files.Append(kHour, "a\n").kept, 1U);
  clock_.Advance(seconds(59));
  files.Tick();
  ASSERT_EQ(files.Append(kHour, "b\n").kept, 1U);
  clock_.Advance(seconds(1));
  files.Tick();
  ASSERT_EQ(files.Append(kHour, "c\n").kept, 1U);
  const fs::path hour = base() / "2024/01/31/23";
  EXPECT_EQ(ReadWhole(hour / (kStem + ".jsonl")), "a\nb\n");
  EXPECT_EQ(ReadWhole(hour / (kStem + "-2.jsonl")), "c\n");
}

TEST_F(CaptureFilesTest, ArePackedWhenTheyAreFullAndKeepTheirTime) {
  CaptureFiles& files = Start({.max_file_bytes = 4, .compress = true});
  ASSERT_EQ(files.Append(kHour, "aaa\n").kept, 1U);
  const fs::path full = files.PathOf(kHour);
  const auto written = fs::last_write_time(full);
  ASSERT_EQ(files.Append(kHour, "bbb\n").kept, 1U);
  PackAll();
  EXPECT_THAT(Names(), ElementsAre(kStem + "-2.jsonl", kStem + ".jsonl.gz"));
  EXPECT_EQ(Unpacked(full.string() + ".gz"), "aaa\n");
  EXPECT_EQ(fs::last_write_time(full.string() + ".gz"), written);
  EXPECT_EQ(ReadWhole(files.PathOf(kHour)), "bbb\n");
}

TEST_F(CaptureFilesTest, ThatArePackedHaveTheirNameOnlyWhenTheyAreWhole) {
  CaptureFiles& files = Start({.max_file_bytes = 1 << 20, .compress = true});
  std::string line(1 << 20, 'x');
  line.back() = '\n';
  ASSERT_EQ(files.Append(kHour, line + "b\n").kept, 2U);
  std::size_t pieces = 0;
  while (files.Pack()) {
    ++pieces;
    EXPECT_THAT(Names(),
                ElementsAre(kStem + "-2.jsonl", kStem + ".jsonl", kStem + ".jsonl.gz.part"));
  }
  EXPECT_GT(pieces, 10U);
  EXPECT_THAT(Names(), ElementsAre(kStem + "-2.jsonl", kStem + ".jsonl.gz"));
  EXPECT_EQ(Unpacked(base() / "2024/01/31/23" / (kStem + ".jsonl.gz")), line);
}

TEST_F(CaptureFilesTest, ThatCannotBePackedOnAFullDiskStayAsTheyAre) {
  CaptureFiles& files = Start({.max_file_bytes = 4, .compress = true});
  ASSERT_EQ(files.Append(kHour, "aaa\nbbb\n").kept, 2U);
  const FullAfter limit(2);
  PackAll();
  EXPECT_EQ(files.TakePackError(), std::errc::file_too_large);
  EXPECT_FALSE(files.TakePackError()) << "is told once";
  EXPECT_THAT(Names(), ElementsAre(kStem + "-2.jsonl", kStem + ".jsonl"));
}

TEST_F(CaptureFilesTest, AreNeverMoreThanMayBeKept) {
  CaptureFiles& files = Start({.max_file_bytes = 4, .keep_files = 3});
  const fs::path oldest = Write("20240131T200000.000000Z-1.jsonl", "old\n");
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(files.Append(kHour, "aaa\n").kept, 1U);
    ASSERT_LE(Names().size(), 3U);
  }
  EXPECT_EQ(Names().size(), 3U);
  EXPECT_FALSE(fs::exists(oldest.parent_path())) << "an empty folder goes, too";
}

TEST_F(CaptureFilesTest, AreNeverLargerTogetherThanTheyMayBe) {
  CaptureFiles& files = Start({.max_file_bytes = 100, .compress = true, .max_total_bytes = 400});
  Write("20240131T200000.000000Z-1.jsonl", std::string(299, 'x') + "\n");
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(files.Append(kHour + hours(i % 2), "thirty characters and a line \n").kept, 1U);
    ASSERT_LE(TotalBytes(), 400U);
    if (i % 3 == 0) PackAll();
    ASSERT_LE(TotalBytes(), 400U);
  }
  EXPECT_GT(TotalBytes(), 100U);
}

TEST_F(CaptureFilesTest, ThatAreOlderThanTheyMayBeGo) {
  CaptureFiles& files = Start({.keep_age = hours(24)});
  Write("20240131T200000.000000Z-1.jsonl", "old\n");  // written years before the clock's time
  ASSERT_EQ(files.Append(kHour, "new\n").kept, 1U);
  EXPECT_THAT(Names(), ElementsAre(kStem + ".jsonl"));
}

TEST_F(CaptureFilesTest, OfOthersAreLeftAlone) {
  const fs::path hour = base() / "2024/01/31/20";
  Write("20240131T200000.000000Z-1.jsonl.bak", "a copy");
  Write("notes.jsonl", "torn by an editor");
  fs::create_directories(base() / "models");
  std::ofstream(base() / "models" / "20240131T200000.000000Z-1.jsonl") << "elsewhere";
  CaptureFiles& files = Start({.max_file_bytes = 4, .compress = true, .keep_files = 1});
  EXPECT_THAT(files.Repair(), IsEmpty());
  ASSERT_EQ(files.Append(kHour, "aaa\nbbb\nccc\n").kept, 3U);
  PackAll();
  EXPECT_THAT(Names(),
              ElementsAre("20240131T200000.000000Z-1.jsonl", "20240131T200000.000000Z-1.jsonl.bak",
                          kStem + "-3.jsonl", "notes.jsonl"));
}

TEST_F(CaptureFilesTest, AreNotWrittenWhileTheDiskIsFullerThanItMayBeAndTheOldestGo) {
  CaptureFiles& files = Start({.max_disk_share = 1e-9});
  Write("20240131T200000.000000Z-1.jsonl", "old\n");
  const CaptureFiles::Outcome outcome = files.Append(kHour, "a\nb\n");
  EXPECT_EQ(outcome.lost, 2U);
  EXPECT_EQ(outcome.error, std::errc::no_space_on_device);
  EXPECT_THAT(Names(), IsEmpty());
  files.Obey({.max_disk_share = 1});
  EXPECT_EQ(files.Append(kHour, "c\n").kept, 1U);
}

TEST_F(CaptureFilesTest, OfAKilledRecorderLoseTheirTornLineAndArePacked) {
  const fs::path torn = Write("20240131T200000.000000Z-1.jsonl", "whole\nto");
  const fs::path nothing = Write("20240131T200000.000000Z-2.jsonl", "tor");
  Write("20240131T200000.000000Z-3.jsonl.gz.part", "half a gzip");
  Write("20240131T200000.000000Z-4.jsonl", "is packed\n");
  Write("20240131T200000.000000Z-4.jsonl.gz", "a gzip");
  CaptureFiles& files = Start({.compress = true});
  const std::vector<TornLine> cut = files.Repair();
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_EQ(cut[0].path, torn);
  EXPECT_EQ(cut[0].bytes, 2U);
  EXPECT_EQ(cut[1].path, nothing);
  PackAll();
  EXPECT_THAT(Names(), ElementsAre("20240131T200000.000000Z-1.jsonl.gz",
                                   "20240131T200000.000000Z-4.jsonl.gz"));
  EXPECT_EQ(Unpacked(torn.string() + ".gz"), "whole\n");
}

TEST_F(CaptureFilesTest, ThatAnotherRecorderWritesAreNeitherTidiedNorRemoved) {
  const fs::path path = Write("20240131T200000.000000Z-1.jsonl", "whole\nbeing wri");
  const Fd held = OpenUnusedCapture(path);
  ASSERT_TRUE(held);
  CaptureFiles& files = Start({.compress = true, .keep_files = 1});
  EXPECT_THAT(files.Repair(), IsEmpty());
  ASSERT_EQ(files.Append(kHour, "a\n").kept, 1U);
  PackAll();
  EXPECT_EQ(ReadWhole(path), "whole\nbeing wri");
}

struct LimitCase {
  std::string name;
  CaptureFileRules rules;
  std::size_t more_files = 0;
  std::uint64_t more_bytes = 0;
  std::size_t expected = 0;

  friend void PrintTo(const LimitCase& one, std::ostream* out) { *out << one.name; }
};

class CapturesOverTheLimit : public testing::TestWithParam<LimitCase> {};

TEST_P(CapturesOverTheLimit, AreTheOldest) {
  // Three files of 10 bytes, written 30, 20 and 10 s ago.
  std::vector<StoredCapture> files;
  for (const int age : {30, 20, 10}) {
    files.push_back({.path = "f", .bytes = 10, .written = kLastSecondOfJanuary - seconds(age)});
  }
  const LimitCase& one = GetParam();
  EXPECT_EQ(
      CapturesOverLimit(files, one.rules, one.more_files, one.more_bytes, kLastSecondOfJanuary),
      one.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Limits, CapturesOverTheLimit,
    testing::Values(LimitCase{"NoneWithoutALimit", {}, 1, 1'000, 0},
                    LimitCase{"NoneOfAsManyAsMayBe", {.keep_files = 3}, 0, 0, 0},
                    LimitCase{"OneForTheOneToCome", {.keep_files = 3}, 1, 0, 1},
                    LimitCase{"AllWhereOneMayBe", {.keep_files = 1}, 1, 0, 3},
                    LimitCase{"NoneOfAsManyBytesAsMayBe", {.max_total_bytes = 30}, 0, 0, 0},
                    LimitCase{"OneForOneByteMore", {.max_total_bytes = 29}, 0, 0, 1},
                    LimitCase{"TwoForTheBytesToCome", {.max_total_bytes = 30}, 1, 15, 2},
                    LimitCase{"AllWhenThatIsNotEnough", {.max_total_bytes = 5}, 0, 10, 3},
                    LimitCase{"NoneOfTheirMostAge", {.keep_age = seconds(30)}, 0, 0, 0},
                    LimitCase{"ThoseThatAreTooOld", {.keep_age = seconds(15)}, 0, 0, 2},
                    LimitCase{"ByTheStrictestOfTheLimits",
                              {.keep_files = 3, .keep_age = seconds(25), .max_total_bytes = 15},
                              0,
                              0,
                              2}),
    [](const auto& one) { return one.param.name; });

TEST(CaptureFolder, NeedNotExistWhereItCanBeMade) {
  const TempFolder folder;
  EXPECT_FALSE(TryFolder(folder.path() / "a" / "b"));
  EXPECT_FALSE(fs::exists(folder.path() / "a")) << "nothing is left behind";
}

TEST(CaptureFolder, CannotBeBelowAFile) {
  const TempFolder folder;
  folder.Write("a", "");
  EXPECT_EQ(TryFolder(folder.path() / "a"), std::errc::not_a_directory);
  EXPECT_EQ(TryFolder(folder.path() / "a" / "b"), std::errc::not_a_directory);
}

}  // namespace
}  // namespace forkcast::serving
