#include "data_preprocessing/base/file_identity.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "data_preprocessing/base/atomic_file.hpp"
#include "support/test_files.hpp"

namespace forkcast {
namespace {

namespace fs = std::filesystem;

/// Something done to a folder with a file "a", and a link "alias" to a folder "1" beside a folder
/// "2", both with a file.
struct Change {
  const char* name;
  const char* looked_at;
  std::function<void(const fs::path&)> make;
  bool is_other;
};
void PrintTo(const Change& one, std::ostream* out) { *out << one.name; }

class AnIdentity : public testing::TestWithParam<Change> {};

TEST_P(AnIdentity, IsAnotherWhenWhatStandsThereIs) {
  const preprocessing::TempFolder folder;
  folder.Write("a", "12");
  for (const char* version : {"1", "2"}) {
    fs::create_directory(folder.path() / version);
    folder.Write(std::string(version) + "/file", version);
  }
  fs::create_directory_symlink("1", folder.path() / "alias");
  const fs::path path = folder.path() / GetParam().looked_at;

  const FileIdentity before = FileIdentity::At(path);
  EXPECT_EQ(FileIdentity::At(path), before);
  GetParam().make(folder.path());
  EXPECT_EQ(FileIdentity::At(path) != before, GetParam().is_other);
}

/// Until the file system's clock, which goes on every few milliseconds, has gone on.
void Repeat(const std::function<void()>& change) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (std::chrono::steady_clock::now() < until) change();
}

void Replace(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AnIdentity,
    testing::Values(
        Change{"Read", "a", [](const fs::path& in) { preprocessing::ReadWhole(in / "a"); }, false},
        Change{"AnotherFileBeside", "a", [](const fs::path& in) { std::ofstream(in / "b") << "1"; },
               false},
        Change{"ReplacedByTheSameText", "a", [](const fs::path& in) { Replace(in / "a", "12"); },
               true},
        Change{"WrittenToWithItsTimeSetBack", "a",
               [](const fs::path& in) {
                 const auto time = fs::last_write_time(in / "a");
                 Repeat([&] { std::ofstream(in / "a") << "34"; });
                 fs::last_write_time(in / "a", time);
               },
               true},
        Change{"Removed", "a", [](const fs::path& in) { fs::remove(in / "a"); }, true},
        Change{
            "MadeUnreadable", "a",
            [](const fs::path& in) { Repeat([&] { fs::permissions(in / "a", fs::perms::none); }); },
            true},
        Change{"Made", "new", [](const fs::path& in) { std::ofstream(in / "new") << "1"; }, true},
        Change{"LinkedElsewhere", "alias",
               [](const fs::path& in) {
                 fs::create_directory_symlink("2", in / "next");
                 fs::rename(in / "next", in / "alias");
               },
               true},
        Change{"LinkedToTheSame", "alias",
               [](const fs::path& in) {
                 fs::create_directory_symlink("1", in / "next");
                 fs::rename(in / "next", in / "alias");
               },
               false},
        Change{"WhereTheLinkLeadsReplaced", "alias",
               [](const fs::path& in) {
                 fs::rename(in / "1", in / "old");
                 fs::rename(in / "2", in / "1");
               },
               true}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(FileIdentity, SaysWhyThereIsNone) {
  const preprocessing::TempFolder folder;
  EXPECT_EQ(FileIdentity::At(folder.path() / "none").error, ENOENT);
  EXPECT_EQ(FileIdentity::At(folder.Write("a", "") / "below").error, ENOTDIR);
}

TEST(FileIdentity, OfEachPathIsSeenInTheirOrder) {
  const preprocessing::TempFolder folder;
  const std::array<fs::path, 2> paths{folder.Write("a", "123"), folder.path() / "none"};
  const std::vector<SeenFile> seen = LookAt(paths);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].path, paths[0]);
  EXPECT_EQ(seen[0].identity.size, 3);
  EXPECT_EQ(seen[1].identity.error, ENOENT);
}

}  // namespace
}  // namespace forkcast
