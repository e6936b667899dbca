#include "model/evaluate/intervals.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <utility>

namespace forkcast::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kLevels{0.8};

using Named = std::pair<double, std::string>;

class NameOfALevel : public testing::TestWithParam<Named> {};

TEST_P(NameOfALevel, IsItsPercentages) {
  EXPECT_EQ(LevelName(GetParam().first), GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Levels, NameOfALevel,
                         testing::Values(Named{0.8, "80"}, Named{0.57, "57"}, Named{0.975, "97_5"},
                                         Named{0.999, "99_9"}),
                         [](const auto& param) { return param.param.second; });

/// One value, its forecast 10 and the interval 8 to 14.
struct ScoreCase {
  std::string name;
  double actual = 0;
  double coverage = 0;
  /// By hand: of the quantiles 0.1, 0.5 and 0.9, twice the pinball loss of each.
  std::array<double, 3> losses{};
};
void PrintTo(const ScoreCase& one, std::ostream* out) { *out << one.name; }

class AnInterval : public testing::TestWithParam<ScoreCase> {};

TEST_P(AnInterval, IsScoredByItsBoundsAndTheMedian) {
  const ScoreCase& wanted = GetParam();
  IntervalSums sums(kLevels);
  sums.Add(wanted.actual, 10, std::array{PredictionInterval{.lower = 8, .upper = 14}}, 4);
  EXPECT_DOUBLE_EQ(sums.coverage(0), wanted.coverage);
  EXPECT_DOUBLE_EQ(sums.width(0), 6);
  const auto [low, middle, high] = wanted.losses;
  EXPECT_NEAR(sums.pinball(0), (low + high) / 4, 1e-12);
  const double mean = (low + middle + high) / 3;
  EXPECT_NEAR(*sums.wis(), mean, 1e-12);
  EXPECT_NEAR(*sums.wql(), mean / wanted.actual, 1e-12);
  EXPECT_NEAR(*sums.sql(), mean / 4, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Cases, AnInterval,
                         testing::Values(ScoreCase{"HoldsAValue", 11, 1, {0.2 * 3, 1, 0.2 * 3}},
                                         ScoreCase{"HoldsAValueOnItsBound", 8, 1, {0, 2, 0.2 * 6}},
                                         ScoreCase{"IsTooHigh", 7, 0, {1.8 * 1, 3, 0.2 * 7}},
                                         ScoreCase{"IsTooLow", 20, 0, {0.2 * 12, 10, 1.8 * 6}}),
                         [](const auto& param) { return param.param.name; });

/// Bracher et al. 2021, (1): half the error of the median and the interval scores times alpha / 2,
/// over the number of intervals and a half.
TEST(IntervalSums, AreTheWeightedIntervalScoreAsItIsPublished) {
  constexpr std::array kTwo{0.5, 0.9};
  IntervalSums sums(kTwo);
  sums.Add(20, 10,
           std::array{PredictionInterval{.lower = 9, .upper = 12},
                      PredictionInterval{.lower = 5, .upper = 16}},
           1);
  const double narrow = 3 + 2 / 0.5 * (20 - 12);
  const double wide = 11 + 2 / 0.1 * (20 - 16);
  EXPECT_NEAR(*sums.wis(), (0.5 * 10 + 0.25 * narrow + 0.05 * wide) / 2.5, 1e-12);
}

TEST(IntervalSums, SayOnWhichSideValuesWere) {
  IntervalSums sums(kLevels);
  for (const double actual : {1.0, 2.0, 10.0, 11.0, 99.0}) {
    sums.Add(actual, 10, std::array{PredictionInterval{.lower = 8, .upper = 14}}, kNaN);
  }
  EXPECT_EQ(sums.rows(), 5U);
  EXPECT_DOUBLE_EQ(sums.below(0), 0.4);
  EXPECT_DOUBLE_EQ(sums.above(0), 0.2);
  EXPECT_DOUBLE_EQ(sums.coverage(0), 0.4);
}

TEST(IntervalSums, LeaveOutWhatIsNotDefined) {
  IntervalSums sums(kLevels);
  EXPECT_FALSE(sums.wis());
  sums.Add(0, 1, std::array{PredictionInterval{.lower = 0, .upper = 2}}, kNaN);
  EXPECT_TRUE(sums.wis());
  EXPECT_FALSE(sums.wql()) << "every value is 0";
  EXPECT_FALSE(sums.sql()) << "no row has a scale";
}

}  // namespace
}  // namespace forkcast::model
