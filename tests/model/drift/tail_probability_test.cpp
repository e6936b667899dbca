#include "model/drift/tail_probability.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <string>

#include "model/drift/samples.hpp"
#include "vectors.hpp"

namespace forkcast::model {
namespace {

using Numbers = std::vector<double>;
using test::Evenly;
using test::Repeated;

struct ChiSquareTailCase {
  const char* name;
  double x;
  double degrees;
  double p;
};
void PrintTo(const ChiSquareTailCase& value, std::ostream* out) { *out << value.name; }

class TailOfChiSquare : public testing::TestWithParam<ChiSquareTailCase> {};

TEST_P(TailOfChiSquare, IsThatOfScipy) {
  EXPECT_NEAR(ChiSquareTail(GetParam().x, GetParam().degrees), GetParam().p, GetParam().p * 1e-11);
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, TailOfChiSquare,
    testing::Values(ChiSquareTailCase{"InTheMiddle", 4, 3, 0.26146412994911117},
                    ChiSquareTailCase{"Small", 102.17, 17, 3.5188640615637436e-14},
                    ChiSquareTailCase{"BeyondWhatOneMinusCanTell", 1000, 10,
                                      1.870290720915977e-208},
                    ChiSquareTailCase{"WithoutDegreesOfFreedom", 3, 0, 1}),
    [](const auto& one) { return std::string(one.param.name); });

struct StudentTailCase {
  const char* name;
  double t;
  double degrees;
  double p;
};
void PrintTo(const StudentTailCase& value, std::ostream* out) { *out << value.name; }

class TailOfStudentsT : public testing::TestWithParam<StudentTailCase> {};

TEST_P(TailOfStudentsT, IsWhatItsFormSays) {
  EXPECT_NEAR(StudentTail(GetParam().t, GetParam().degrees), GetParam().p, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    Closed, TailOfStudentsT,
    testing::Values(  // with one and two degrees of freedom it has a closed form
        StudentTailCase{"OfOneDegree", 1, 1, 0.25},
        StudentTailCase{"OfTwoDegrees", 2, 2, (1 - 2 / std::sqrt(6.0)) / 2},
        StudentTailCase{"BelowZero", -1, 1, 0.75}, StudentTailCase{"AtZero", 0, 7, 0.5},
        StudentTailCase{"AtInfinity", HUGE_VAL, 3, 0},
        StudentTailCase{"OfManyDegreesAsTheNormalOne", 1.959963984540054, 1e12, 0.025}),
    [](const auto& one) { return std::string(one.param.name); });

struct KolmogorovCase {
  const char* name;
  double d;
  std::size_t n;
  double p;
};
void PrintTo(const KolmogorovCase& value, std::ostream* out) { *out << value.name; }

class TailOfKolmogorov : public testing::TestWithParam<KolmogorovCase> {};

// By scipy's own matrices (_kolmogn_DMTW). Its kstwo.sf() takes Pelz and Good's approximation at
// these sizes, which is off by 6e-6 of the value at 286, and 1e-8 at 5,000.
TEST_P(TailOfKolmogorov, IsTheExactLaw) {
  EXPECT_NEAR(KolmogorovTail(GetParam().d, GetParam().n), GetParam().p, GetParam().p * 1e-9);
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, TailOfKolmogorov,
    testing::Values(KolmogorovCase{"OfThousands", 0.02, 5000, 0.03613941349306432},
                    KolmogorovCase{"OfHundreds", 0.087, 286, 0.024763834110458547},
                    KolmogorovCase{"OfFour", 0.625, 4, 0.04931640625},
                    KolmogorovCase{"InTheTail", 0.2495, 286, 3.585359192073e-16},
                    KolmogorovCase{"BetweenBothMethods", 0.10137567023794569, 334,
                                   0.001928799715129778}),
    [](const auto& one) { return std::string(one.param.name); });

struct TwoSampleCase {
  const char* name;
  Numbers a;
  Numbers b;
  double d;
  double p;
};
void PrintTo(const TwoSampleCase& value, std::ostream* out) { *out << value.name; }

class TwoSamplesOfKolmogorov : public testing::TestWithParam<TwoSampleCase> {};

TEST_P(TwoSamplesOfKolmogorov, HaveScipysExactProbability) {
  Numbers a = GetParam().a;
  Numbers b = GetParam().b;
  std::ranges::sort(a);
  std::ranges::sort(b);
  const KolmogorovSmirnov found = KolmogorovSmirnovOf(a, b);
  EXPECT_NEAR(found.d, GetParam().d, 1e-14);
  EXPECT_NEAR(TwoSampleTail(found.gap, a.size(), b.size()), GetParam().p, GetParam().p * 1e-9);
}

Numbers Plus(Numbers values, double shift) {
  for (double& value : values) value += shift;
  return values;
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, TwoSamplesOfKolmogorov,
    testing::Values(TwoSampleCase{"OneValueEach", {0}, {1}, 1, 1},
                    TwoSampleCase{"TwoInThree", {1.01, 2.01}, {1, 2, 3}, 1.0 / 3, 1},
                    TwoSampleCase{"TwoBelowThree", {0.99, 1.99}, {1, 2, 3}, 2.0 / 3, 0.6},
                    TwoSampleCase{"TwoInFour", {1.01, 2.01}, {1, 2, 3, 4}, 0.5, 14.0 / 15},
                    TwoSampleCase{"TwoBelowFour", {0.99, 1.99}, {1, 2, 3, 4}, 0.75, 6.0 / 15},
                    TwoSampleCase{"HundredShifted", Evenly(1, 100, 100),
                                  Plus(Evenly(1, 100, 100), 2.1), 0.03, 0.9999999999962054},
                    TwoSampleCase{"HundredFarther", Evenly(1, 100, 100),
                                  Plus(Evenly(1, 100, 110), 20.1), 232.0 / 1100,
                                  0.015739183865606153},
                    TwoSampleCase{"HundredLessFar", Evenly(1, 100, 100),
                                  Plus(Evenly(1, 100, 110), 19.9), 229.0 / 1100,
                                  0.01780380386102561},
                    TwoSampleCase{"TiesShifted", Repeated({3, 4, 0, 5, 4}, 2),
                                  Repeated({3, 4, 0, 5, 4}, 3), 5.0 / 16, 0.42629346134549484},
                    TwoSampleCase{"TiesOfOtherCounts", Repeated({3, 4, 0, 10, 4}, 2),
                                  Repeated({10, 2, 0, 10, 4}, 3), 190.0 / 546, 0.09192457901681189},
                    TwoSampleCase{"TenThousandAndHundred",
                                  Plus(Evenly(1, 200, 10'000), -1.0 / (4 * 10'000 * 110)),
                                  Evenly(2, 100, 110), 55275.0 / 110'000, 6.263465662260858e-26}),
    [](const auto& one) { return std::string(one.param.name); });

struct WassersteinCase {
  const char* name;
  Numbers a;
  Numbers b;
  double distance;
};
void PrintTo(const WassersteinCase& value, std::ostream* out) { *out << value.name; }

class WassersteinDistance : public testing::TestWithParam<WassersteinCase> {};

TEST_P(WassersteinDistance, IsThatOfScipy) {
  Numbers a = GetParam().a;
  Numbers b = GetParam().b;
  std::ranges::sort(a);
  std::ranges::sort(b);
  EXPECT_NEAR(Wasserstein(a, b), GetParam().distance, 1e-14);
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, WassersteinDistance,
    testing::Values(WassersteinCase{"OfHalfOfTheMass", {0, 1}, {0, 0}, 0.5},
                    WassersteinCase{"OfWeights", {0, 0, 0, 1}, {0, 1}, 0.25},
                    WassersteinCase{"OfTwoAndNone", {0, 2}, {0}, 1},
                    WassersteinCase{"OfAShift", {0, 1, 2}, {1, 2, 3}, 1},
                    WassersteinCase{"OfTheSameShares", {1, 1, 1, 4}, {4, 1, 1, 1}, 0},
                    WassersteinCase{
                        "OfUnequalWeights", {4.5, 4.5, 4.5, 6.7, 2.1}, {4.6, 7, 7, 7, 9.2}, 2.5}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(WassersteinDistance, IsInfiniteToInfinityAndNoneBetweenTwo) {
  EXPECT_TRUE(std::isinf(Wasserstein(Numbers{1, 2}, Numbers{1, INFINITY})));
  EXPECT_TRUE(std::isnan(Wasserstein(Numbers{1, INFINITY}, Numbers{1, INFINITY})));
}

TEST(BenjaminiAndHochberg, CallTwoOfTenSignificantWhereBonferroniCallsOne) {
  const Numbers p{.001, .008, .039, .041, .042, .06, .074, .205, .212, .216};
  EXPECT_EQ(BenjaminiHochberg(p, 0.05), 0.008);
  EXPECT_LT(BenjaminiHochberg(Numbers{0.3, 0.9}, 0.05), 0);
}

TEST(BenjaminiAndHochberg, CallAllSignificantThatLieJustBelowTheRate) {
  EXPECT_EQ(BenjaminiHochberg(Numbers(1000, 0.05 - 1e-5), 0.05), 0.05 - 1e-5);
}

TEST(TailOfTheBinomial, IsTheSumOfItsTerms) {
  EXPECT_EQ(BinomialTail(0, 10, 0.1), 1);
  EXPECT_NEAR(BinomialTail(1, 10, 0.1), 1 - std::pow(0.9, 10), 1e-14);
  EXPECT_NEAR(BinomialTail(10, 10, 0.1), 1e-10, 1e-22);
}

}  // namespace
}  // namespace forkcast::model
