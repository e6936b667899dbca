#include "model/evaluate/confidence_sequence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace forkcast::model {
namespace {

constexpr double kAlpha = 0.05;

struct ShareCase {
  const char* name;
  std::uint64_t successes;
  std::uint64_t count;
  Interval expected;  // by the same formula, computed elsewhere

  friend std::ostream& operator<<(std::ostream& out, const ShareCase& one) {
    return out << one.successes << " of " << one.count;
  }
};

class AShareSequence : public testing::TestWithParam<ShareCase> {};

TEST_P(AShareSequence, IsThatOfTheBetaMixture) {
  const ShareCase& one = GetParam();
  const Interval interval = ShareSequence(one.successes, one.count, kAlpha);
  EXPECT_NEAR(interval.lower, one.expected.lower, 1e-8);
  EXPECT_NEAR(interval.upper, one.expected.upper, 1e-8);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AShareSequence,
    testing::Values(ShareCase{"OfNothingIsEverything", 0, 0, {0, 1}},
                    ShareCase{"OfNoSuccessInTen", 0, 10, {0, 0.376987351}},
                    ShareCase{"OfNoSuccessInAThousand", 0, 1000, {0, 0.006997503}},
                    ShareCase{"OfSuccessesAlone", 10, 10, {0.623012649, 1}},
                    ShareCase{"OfHalf", 5, 10, {0.117562924, 0.882437076}},
                    ShareCase{"OfHalfOfAHundred", 50, 100, {0.338257553, 0.661742447}},
                    ShareCase{"OfFewInAThousand", 20, 1000, {0.007818989, 0.040635406}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Moments, AreThoseOfAllNumbersInWhateverOrderTheyAreMerged) {
  Moments first;
  Moments second;
  for (const double value : {1.0, 2.0}) first.Add(value);
  for (const double value : {4.0, 8.0, 16.5}) second.Add(value);
  for (const auto& [one, other] : {std::pair(first, second), std::pair(second, first)}) {
    Moments all = one;
    all.Merge(other);
    all.Merge({});
    EXPECT_EQ(all.count, 5U);
    EXPECT_NEAR(all.mean, 6.3, 1e-12);
    EXPECT_NEAR(all.squares, 158.8, 1e-9);
    EXPECT_NEAR(all.cubes, 825.57, 1e-9);
    EXPECT_NEAR(all.fourths, 11991.586, 1e-8);
  }
}

Moments Observe(std::size_t count, const std::function<double(std::size_t)>& value) {
  Moments moments;
  for (std::size_t i = 0; i < count; ++i) moments.Add(value(i));
  return moments;
}

TEST(AMeanSequence, IsThatOfTheNormalMixture) {
  // By the same formula, computed elsewhere.
  const Moments digits = Observe(1000, [](std::size_t i) { return static_cast<double>(i % 10); });
  EXPECT_NEAR(MeanSequence(digits, 0.05).lower, 4.224175506, 1e-8);
  EXPECT_NEAR(MeanSequence(digits, 0.05).upper, 4.775824493, 1e-8);
  const Moments squares =
      Observe(200, [](std::size_t i) { return static_cast<double>(i * i % 7); });
  EXPECT_NEAR(MeanSequence(squares, 0.01).lower, 1.607317053, 1e-8);
  EXPECT_NEAR(MeanSequence(squares, 0.01).upper, 2.382682947, 1e-8);
}

TEST(AMeanSequence, SaysNothingOfTooFewNumbers) {
  const auto alternating = [](std::size_t i) { return static_cast<double>(i % 2); };
  EXPECT_TRUE(std::isinf(MeanSequence(Observe(kLeastObserved - 1, alternating), kAlpha).upper));
  EXPECT_TRUE(std::isfinite(MeanSequence(Observe(kLeastObserved, alternating), kAlpha).upper));
}

TEST(AMeanSequence, SaysNothingOfNumbersThatAreAllTheSame) {
  const Moments same = Observe(10'000, [](std::size_t) { return 1.0; });
  EXPECT_TRUE(std::isinf(MeanSequence(same, kAlpha).lower));
}

TEST(AMeanSequence, WaitsUntilRareNumbersHaveBeenSeenOftenEnough) {
  // Every hundredth is 1: a kurtosis of about 97.
  const auto rare = [](std::size_t i) { return i % 100 == 0 ? 1.0 : 0.0; };
  EXPECT_TRUE(std::isinf(MeanSequence(Observe(3000, rare), kAlpha).lower));
  EXPECT_TRUE(std::isfinite(MeanSequence(Observe(5000, rare), kAlpha).lower));
}

/// Numbers of a distribution with this mean.
struct Stream {
  const char* name;
  double mean;
  double (*next)(std::mt19937_64& random);

  friend std::ostream& operator<<(std::ostream& out, const Stream& one) { return out << one.name; }
};

class ALookAfterEachNumber : public testing::TestWithParam<Stream> {};

TEST_P(ALookAfterEachNumber, IsEverWrongInAtMostAlphaOfAllRuns) {
  constexpr int kRuns = 1000;
  constexpr int kNumbers = 1500;
  std::mt19937_64 random(7);
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    Moments seen;
    for (int i = 0; i < kNumbers; ++i) {
      seen.Add(GetParam().next(random));
      const Interval interval = MeanSequence(seen, kAlpha);
      if (interval.lower <= GetParam().mean && GetParam().mean <= interval.upper) continue;
      ++wrong;
      break;
    }
  }
  EXPECT_LE(wrong, kRuns * kAlpha) << "of " << kRuns;
}

INSTANTIATE_TEST_SUITE_P(
    Of, ALookAfterEachNumber,
    testing::Values(
        Stream{"NormalNumbers", 0,
               [](std::mt19937_64& random) { return std::normal_distribution()(random); }},
        Stream{"SkewedNumbers", 1,
               [](std::mt19937_64& random) { return std::exponential_distribution()(random); }},
        Stream{"HeavyTails", 0,
               [](std::mt19937_64& random) { return std::student_t_distribution(3.0)(random); }},
        Stream{"RareNumbers", 0.02,
               [](std::mt19937_64& random) {
                 return std::bernoulli_distribution(0.02)(random) ? 1.0 : 0.0;
               }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AShareSequence, LookedAtAfterEachTrialIsEverWrongInAtMostAlphaOfAllRuns) {
  constexpr int kRuns = 300;
  constexpr double kShare = 0.03;
  std::mt19937_64 random(7);
  std::bernoulli_distribution trial(kShare);
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::uint64_t successes = 0;
    for (std::uint64_t count = 1; count <= 400; ++count) {
      if (trial(random)) ++successes;
      const Interval interval = ShareSequence(successes, count, kAlpha);
      if (interval.lower <= kShare && kShare <= interval.upper) continue;
      ++wrong;
      break;
    }
  }
  EXPECT_LE(wrong, kRuns * kAlpha) << "of " << kRuns;
}

TEST(AMeanSequence, FindsADifferenceOfAFifthOfTheSpreadWithinAThousandNumbers) {
  constexpr int kRuns = 200;
  std::mt19937_64 random(7);
  std::normal_distribution<double> number(0.2, 1);
  int found = 0;
  for (int run = 0; run < kRuns; ++run) {
    Moments seen;
    for (int i = 0; i < 1000; ++i) seen.Add(number(random));
    if (MeanSequence(seen, kAlpha).lower > 0) ++found;
  }
  EXPECT_GE(found, 0.95 * kRuns);
}

}  // namespace
}  // namespace forkcast::model
