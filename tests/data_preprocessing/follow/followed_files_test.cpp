#include "data_preprocessing/follow/followed_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAreArray;

/// A file as a look sees it: a letter for its name, its size.
struct Seen {
  std::string name;
  std::int64_t size = 0;
};

/// A look, so many milliseconds after the first, and what it plans. What is ready is read, and so
/// settled.
struct Look {
  int at_ms = 0;
  std::vector<Seen> files;
  std::vector<std::string> ready;
  bool waits = false;
};

struct Looks {
  std::string name;
  std::vector<Look> looks;
};

void PrintTo(const Looks& looks, std::ostream* out) { *out << looks.name; }

SeenFile File(const Seen& seen) {
  return {.path = seen.name, .identity = {.number = 1, .size = seen.size}};
}

class FollowedFilesPlan : public testing::TestWithParam<Looks> {};

TEST_P(FollowedFilesPlan, TellsWhichFilesAreToBeRead) {
  FollowedFiles files{std::chrono::milliseconds(1000)};
  const MonotonicTime start{std::chrono::hours(1)};
  for (const Look& look : GetParam().looks) {
    SCOPED_TRACE(look.at_ms);
    std::vector<SeenFile> seen;
    for (const Seen& file : look.files) seen.push_back(File(file));
    const FollowedFiles::Plan plan =
        files.Look(seen, start + std::chrono::milliseconds(look.at_ms));
    std::vector<std::string> ready;
    for (const SeenFile& file : plan.ready) ready.push_back(file.path.string());
    EXPECT_THAT(ready, ElementsAreArray(look.ready));
    EXPECT_EQ(plan.waits, look.waits);
    for (const SeenFile& file : plan.ready) files.Settle(file);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, FollowedFilesPlan,
                         testing::Values(Looks{"AFileIsReadWhenTwoLooksAgree",
                                               {{0, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 5}}, {"a"}, false}}},
                                         Looks{"LooksThatLieTooCloseAgreeOnNothing",
                                               {{0, {{"a", 5}}, {}, true},
                                                {999, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 5}}, {"a"}, false}}},
                                         Looks{"AFileThatGrowsWaits",
                                               {{0, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 6}}, {}, true},
                                                {2000, {{"a", 7}}, {}, true},
                                                {3000, {{"a", 7}}, {"a"}, false}}},
                                         Looks{"WhatWasReadIsNotReadAgain",
                                               {{0, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 5}}, {"a"}, false},
                                                {2000, {{"a", 5}}, {}, false},
                                                {9000, {{"a", 5}}, {}, false}}},
                                         Looks{"WhatHasChangedIsReadAgain",
                                               {{0, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 5}}, {"a"}, false},
                                                {2000, {{"a", 8}}, {}, true},
                                                {3000, {{"a", 8}}, {"a"}, false}}},
                                         Looks{"OneThatWaitsKeepsNoOtherOut",
                                               {{0, {{"a", 5}, {"b", 1}}, {}, true},
                                                {1000, {{"a", 6}, {"b", 1}}, {"b"}, true}}},
                                         Looks{"OneThatWentAndCameBackIsNew",
                                               {{0, {{"a", 5}}, {}, true},
                                                {1000, {{"a", 5}}, {"a"}, false},
                                                {2000, {}, {}, false},
                                                {3000, {{"a", 5}}, {}, true},
                                                {4000, {{"a", 5}}, {"a"}, false}}},
                                         Looks{"OrderIsThatInWhichTheyAreSeen",
                                               {{0, {{"b", 5}, {"a", 5}}, {}, true},
                                                {1000, {{"b", 5}, {"a", 5}}, {"b", "a"}, false}}}),
                         [](const auto& looks) { return looks.param.name; });

TEST(FollowedFiles, AFileThatIsGoneBeforeItWasLookedAtIsNone) {
  FollowedFiles files{std::chrono::milliseconds(0)};
  const SeenFile gone{.path = "a", .identity = {.error = ENOENT}};
  EXPECT_FALSE(files.Look(std::vector{gone}, MonotonicTime()).waits);
}

}  // namespace
}  // namespace forkcast::preprocessing
