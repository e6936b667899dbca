#include "data_preprocessing/base/mapped_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "support/test_files.hpp"

namespace forkcast {
namespace {

using testing::HasSubstr;

std::string_view Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFileTest, ShowsTheFilesBytes) {
  const preprocessing::TempFolder folder;
  const std::string text(100'000, 'x');
  EXPECT_EQ(Text(MappedFile(folder.Write("f", text))), text);
}

/// Memory of this process that `bytes` take, in pages.
std::size_t ResidentPages(std::span<const std::byte> bytes) {
  const Fd map(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> entries((bytes.size() + page - 1) / page);
  const std::size_t size = entries.size() * sizeof entries[0];
  const std::uintptr_t first = std::bit_cast<std::uintptr_t>(bytes.data()) / page;
  EXPECT_EQ(::pread(map.get(), entries.data(), size, static_cast<off_t>(first * sizeof entries[0])),
            static_cast<ssize_t>(size));
  constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
  return static_cast<std::size_t>(
      std::ranges::count_if(entries, [](auto entry) { return (entry & kPresent) != 0; }));
}

TEST(MappedFileTest, IsReadAgainAfterItsPagesWereDropped) {
  const preprocessing::TempFolder folder;
  const std::string text(1'000'000, 'x');
  const MappedFile file(folder.Write("f", text));
  ASSERT_EQ(Text(file), text);
  EXPECT_GE(ResidentPages(file.bytes()), text.size() / 65536);
  file.DropPages();
  EXPECT_EQ(ResidentPages(file.bytes()), 0U);
  EXPECT_EQ(Text(file), text);
}

TEST(MappedFileTest, OfAnEmptyFileIsEmpty) {
  const preprocessing::TempFolder folder;
  EXPECT_TRUE(MappedFile(folder.Write("f", "")).bytes().empty());
}

TEST(MappedFileTest, KeepsTheOldContentsWhenTheFileIsReplaced) {
  const preprocessing::TempFolder folder;
  const MappedFile mapped(folder.Write("f", "old"));
  AtomicFile next(folder.path() / "f");
  next.Write("new and longer");
  next.Commit();
  EXPECT_EQ(Text(mapped), "old");
  EXPECT_EQ(Text(MappedFile(folder.path() / "f")), "new and longer");
}

TEST(MappedFileTest, MovedFromIsEmptyAndTheMappingGoesOn) {
  const preprocessing::TempFolder folder;
  MappedFile first(folder.Write("f", "first"));
  MappedFile second(folder.Write("g", "second"));
  second = std::move(first);
  EXPECT_EQ(Text(second), "first");
  EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): that it is empty is asked
  const MappedFile third(std::move(second));
  EXPECT_EQ(Text(third), "first");
}

struct UnmappableCase {
  std::string name;
  std::string path;
};

void PrintTo(const UnmappableCase& one, std::ostream* out) { *out << one.name; }

class Unmappable : public testing::TestWithParam<UnmappableCase> {};

TEST_P(Unmappable, IsAnErrorNamingThePath) {
  try {
    const MappedFile file(GetParam().path);
    FAIL() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().path));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Unmappable,
                         testing::Values(UnmappableCase{"AbsentFile", "/absent/file"},
                                         UnmappableCase{"Folder", "/"},
                                         UnmappableCase{"Device", "/dev/null"}),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast
