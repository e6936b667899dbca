#include "model/classify/time_split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

namespace forkcast::model {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

std::vector<Instant> At(const std::vector<int>& times) {
  std::vector<Instant> instants;
  for (const int time : times) instants.push_back(FromMicros(time));
  return instants;
}

struct SplitCase {
  const char* name;
  std::vector<int> times;
  TimeSplitSpec spec;
  std::vector<TimeFold> folds;
};
class Split : public testing::TestWithParam<SplitCase> {};

TEST_P(Split, CutsAsTheTableSays) {
  const auto folds = SplitByTime(At(GetParam().times), GetParam().spec);
  ASSERT_TRUE(folds) << folds.error().message;
  EXPECT_EQ(*folds, GetParam().folds);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Split,
    testing::Values(
        SplitCase{"TheLastShareIsTested", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {0.3}, {{7, 7, 10}}},
        SplitCase{"AShareIsRounded", {1, 2, 3, 4, 5}, {0.3}, {{3, 3, 5}}},
        SplitCase{
            "EqualTimesGoBehindTheBoundary", {1, 2, 3, 4, 5, 5, 5, 5, 9, 10}, {0.3}, {{4, 4, 10}}},
        SplitCase{"EqualTimesBesideTheBoundaryChangeNothing",
                  {1, 2, 3, 4, 5, 7, 7, 8, 8, 8},
                  {0.3},
                  {{7, 7, 10}}},
        SplitCase{"EachBlockLearnsFromAllBeforeIt",
                  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                  {0.6, 3},
                  {{4, 4, 6}, {6, 6, 8}, {8, 8, 10}}},
        SplitCase{"BlocksDifferByARowWhenTheyMust",
                  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                  {0.5, 2},
                  {{5, 5, 7}, {7, 7, 10}}},
        SplitCase{"BlocksDoNotTearEqualTimesApart",
                  {1, 2, 3, 4, 5, 6, 6, 8, 9, 10},
                  {0.6, 3},
                  {{4, 4, 5}, {5, 5, 8}, {8, 8, 10}}},
        SplitCase{"LabelsNotKnownYetAreNotLearnedFrom",
                  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                  {0.3, 1, microseconds(3)},
                  {{5, 7, 10}}},
        SplitCase{"ALabelIsKnownExactlyWhenItsDelayIsOver",
                  {0, 10, 20, 30},
                  {0.25, 1, microseconds(10)},
                  {{3, 3, 4}}},
        SplitCase{"OneMicrosecondBeforeItIsNot",
                  {0, 10, 20, 30},
                  {0.25, 1, microseconds(11)},
                  {{2, 3, 4}}},
        SplitCase{"TheDelayIsCountedToEachBlock",
                  {0, 10, 20, 30, 40, 50},
                  {0.5, 3, microseconds(20)},
                  {{2, 3, 4}, {3, 4, 5}, {4, 5, 6}}}),
    [](const auto& param) { return std::string(param.param.name); });

struct RefusedCase {
  const char* name;
  std::vector<int> times;
  TimeSplitSpec spec;
  std::string message;
};
class RefusedSplit : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedSplit, SaysWhichRowsAreLacking) {
  const auto folds = SplitByTime(At(GetParam().times), GetParam().spec);
  ASSERT_FALSE(folds);
  EXPECT_EQ(folds.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(folds.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedSplit,
    testing::Values(
        RefusedCase{"NoRows", {}, {0.3}, "none of 0 rows to judge"},
        RefusedCase{"AShareOfLessThanARow", {1, 2, 3}, {0.1}, "none of 3 rows to judge"},
        RefusedCase{"AShareOfAllRows", {1, 2, 3}, {0.99}, "none is left to learn from"},
        RefusedCase{
            "AllRowsOfOneTime", {5, 5, 5, 5}, {0.3}, "all 4 rows with a label are of one time, "},
        RefusedCase{
            "NoLabelKnownInTime", {1, 2, 3, 4}, {0.25, 1, microseconds(100)}, "label_delay hides"},
        RefusedCase{"MoreBlocksThanTimes",
                    {1, 2, 3, 4, 4, 4, 4, 4},
                    {0.5, 2},
                    "n_splits is 2, but the 5 rows"},
        RefusedCase{"MoreBlocksThanRows", {1, 2, 3, 4}, {0.5, 3}, "n_splits is 3"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(SplitProperty, FoldsCoverTheEndAndNeverLookAhead) {
  std::mt19937 random(11);
  int split = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> times(1 + random() % 40);
    for (int& time : times) time = static_cast<int>(random() % 50);
    std::ranges::sort(times);
    const std::vector<Instant> instants = At(times);
    const TimeSplitSpec spec{.test_share = 0.05 + 0.9 * (static_cast<double>(random() % 100) / 100),
                             .n_splits = 1 + random() % 4,
                             .label_delay = microseconds(random() % 10)};
    const auto folds = SplitByTime(instants, spec);
    if (!folds) continue;
    ++split;
    ASSERT_EQ(folds->size(), spec.n_splits);
    ASSERT_EQ(folds->back().test_end, times.size());
    const double tested = static_cast<double>(times.size() - folds->front().test_first);
    ASSERT_GE(tested, std::round(spec.test_share * static_cast<double>(times.size())));
    for (std::size_t i = 0; i < folds->size(); ++i) {
      const TimeFold& fold = (*folds)[i];
      ASSERT_LT(fold.test_first, fold.test_end);
      if (i > 0) {
        ASSERT_EQ(fold.test_first, (*folds)[i - 1].test_end);
      }
      ASSERT_LT(instants[fold.test_first - 1], instants[fold.test_first]);
      for (std::size_t row = 0; row < fold.test_first; ++row) {
        const bool known = instants[row] + spec.label_delay <= instants[fold.test_first];
        ASSERT_EQ(row < fold.train_end, known) << row;
      }
    }
  }
  EXPECT_GT(split, 500);
}

}  // namespace
}  // namespace forkcast::model
