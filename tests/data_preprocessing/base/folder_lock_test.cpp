#include "data_preprocessing/base/folder_lock.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <ostream>
#include <string>

#include "support/test_files.hpp"

namespace forkcast {
namespace {

using Kind = FolderLock::Kind;

struct Pair {
  const char* name;
  Kind first;
  Kind second;
  bool both;
};
void PrintTo(const Pair& one, std::ostream* out) { *out << one.name; }

class TwoLocks : public testing::TestWithParam<Pair> {};

TEST_P(TwoLocks, OfAFolderAreBothHeldOnlyIfBothAreShared) {
  const preprocessing::TempFolder folder;
  {
    const FolderLock first(folder.path(), FolderLock::Wait::kNo, GetParam().first);
    EXPECT_TRUE(first.held());
    errno = 0;
    const FolderLock second(folder.path(), FolderLock::Wait::kNo, GetParam().second);
    const int why = errno;
    EXPECT_EQ(second.held(), GetParam().both);
    EXPECT_EQ(why, GetParam().both ? 0 : EWOULDBLOCK);
  }
  EXPECT_TRUE(FolderLock(folder.path(), FolderLock::Wait::kNo).held());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TwoLocks,
    testing::Values(Pair{"Exclusive", Kind::kExclusive, Kind::kExclusive, false},
                    Pair{"ExclusiveThenShared", Kind::kExclusive, Kind::kShared, false},
                    Pair{"SharedThenExclusive", Kind::kShared, Kind::kExclusive, false},
                    Pair{"Shared", Kind::kShared, Kind::kShared, true}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(FolderLock, OfNoFolderIsNotHeldAndErrnoSaysWhy) {
  const preprocessing::TempFolder folder;
  const FolderLock lock(folder.path() / "none");
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(lock.held());
}

}  // namespace
}  // namespace forkcast
