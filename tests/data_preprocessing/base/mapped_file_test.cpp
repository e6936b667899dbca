#include "data_preprocessing/base/mapped_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <system_error>

#include "data_preprocessing/base/atomic_file.hpp"
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
