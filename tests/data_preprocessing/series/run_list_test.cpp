#include "data_preprocessing/series/run_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;

TEST(RunListText, IsReadAsItWasWritten) {
  const RunList list{.base = 0xFEDCBA9876543210,
                     .base_written = "1.2.3.4",
                     .runs = {{.file = "a.1.run", .checksum = 1, .written = "5.6.7.8"},
                              {.file = "b.run", .checksum = 2, .written = "9.9.9.9"}},
                     .keys = 12,
                     .read_to = ReadTo{.row = 99, .mark = "0123"}};
  const Result<RunList> read = ParseRunList(ToText(list));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, list);
  const RunList without{.base = 3, .base_written = "1.2.3.4"};
  EXPECT_EQ(*ParseRunList(ToText(without)), without);
}

struct BadList {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const BadList& one, std::ostream* out) { *out << one.name; }

class BadRunList : public testing::TestWithParam<BadList> {};

TEST_P(BadRunList, IsRefusedAndSaysWhere) {
  const Result<RunList> read = ParseRunList(GetParam().text);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

std::string ListOf(const std::string& runs) {
  return R"({"base": "0000000000000001", "base_written": "1", "runs": [)" + runs +
         R"(], "keys": 1})";
}

const std::string kRun = R"({"file": "a.run", "checksum": "0000000000000001", "written": "1"})";

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRunList,
    testing::Values(
        BadList{"CutShort", R"({"base": "00)", "line 1"}, BadList{"Empty", "", "line 1"},
        BadList{"WithoutBase", R"({"runs": [], "keys": 0})", "base"},
        BadList{"WithABaseThatIsNoHash", R"({"base": "1", "runs": [], "keys": 0})", "16 hex"},
        BadList{"WithARunElsewhere",
                ListOf(R"({"file": "../a", "checksum": "0000000000000001", "written": "1"})"),
                "$.runs[0].file"},
        BadList{"WithMoreRunsThanALookUpTakes",
                ListOf(kRun + "," + kRun + "," + kRun + "," + kRun + "," + kRun + "," + kRun + "," +
                       kRun + "," + kRun + "," + kRun),
                "at most 8"}),
    [](const auto& param) { return param.param.name; });

struct Merge {
  std::string name;
  std::uint64_t base = 0;
  std::vector<std::uint64_t> runs;
  std::uint64_t added = 0;
  MergePlan plan;
};

void PrintTo(const Merge& one, std::ostream* out) { *out << one.name; }

class MergePlanTest : public testing::TestWithParam<Merge> {};

TEST_P(MergePlanTest, IsAsTheSizesSay) {
  const MergePolicy policy{.max_runs = 4, .base_share = 4, .small_base = 100};
  EXPECT_EQ(PlanMerge(GetParam().base, GetParam().runs, GetParam().added, policy), GetParam().plan);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MergePlanTest,
    testing::Values(
        Merge{"ASmallBaseIsWrittenAnew", 99, {}, 1, {.into_base = true}},
        Merge{"TheFirstRunStandsAlone", 1000, {}, 10, {.with_newest = 0}},
        Merge{"OneOfTheSameSizeIsTakenAlong", 1000, {10}, 10, {.with_newest = 1}},
        Merge{"ALargerOneIsNot", 1000, {20}, 10, {.with_newest = 0}},
        Merge{"WhatIsMergedIsComparedWithTheNext", 1000, {40, 20, 10}, 10, {.with_newest = 3}},
        Merge{"ALargerOneEndsThat", 1000, {100, 20, 10}, 10, {.with_newest = 2}},
        Merge{"WhereThereWouldBeTooManyTheNewestIsTakenAlong",
              10'000,
              {400, 300, 200, 100},
              1,
              {.with_newest = 1}},
        Merge{"ABaseIsDueWhenAQuarterLiesOnIt",
              1000,
              {240},
              11,
              {.with_newest = 0, .base_is_due = true}}),
    [](const auto& param) { return param.param.name; });

/// The point of it: increments of one size, a thousand of them.
TEST(MergePlanOfManyIncrements, WritesEachRowFewTimes) {
  const MergePolicy policy{.max_runs = 8, .base_share = 4, .small_base = 100};
  std::uint64_t base = 1'000'000;
  std::vector<std::uint64_t> runs;
  std::uint64_t written = 0;
  constexpr std::uint64_t kRows = 5000;
  for (int i = 0; i < 1000; ++i) {
    const MergePlan plan = PlanMerge(base, runs, kRows, policy);
    std::uint64_t merged = kRows;
    for (std::size_t j = 0; j < plan.with_newest; ++j) {
      merged += runs.back();
      runs.pop_back();
    }
    runs.push_back(merged);
    written += merged;
    ASSERT_LE(runs.size(), policy.max_runs);
    if (!plan.base_is_due) continue;
    for (const std::uint64_t run : runs) base += run;
    runs.clear();
    written += base;
  }
  EXPECT_LT(written, 15 * 1000 * kRows);
}

}  // namespace
}  // namespace forkcast::preprocessing
