#include "model/drift/divergence.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace forkcast::model {
namespace {

using Numbers = std::vector<double>;

struct DecilesCase {
  const char* name;
  Numbers current;
  double psi;
  double d;
  double binary_jensen_shannon;
  double jensen_shannon;
};
void PrintTo(const DecilesCase& value, std::ostream* out) { *out << value.name; }

class OnTheReferencesDeciles : public testing::TestWithParam<DecilesCase> {};

TEST_P(OnTheReferencesDeciles, GivesWhatNumpyGives) {
  const Numbers was = SharesOf(Numbers(10, 100), 1000);
  const Numbers is = SharesOf(GetParam().current, 400);
  EXPECT_NEAR(Psi(was, is), GetParam().psi, 1e-13);
  EXPECT_NEAR(BinnedKolmogorovSmirnov(was, is), GetParam().d, 1e-13);
  EXPECT_NEAR(JensenShannon(was, is, Logarithm::kBinary), GetParam().binary_jensen_shannon, 1e-13);
  EXPECT_NEAR(JensenShannon(was, is, Logarithm::kNatural), GetParam().jensen_shannon, 1e-13);
}

INSTANTIATE_TEST_SUITE_P(Vectors, OnTheReferencesDeciles,
                         testing::Values(DecilesCase{"UniformAndItsSquare",
                                                     {135, 38, 44, 23, 32, 34, 24, 24, 28, 18},
                                                     0.4160072069000711,
                                                     0.2425,
                                                     0.26773329392112116,
                                                     0.22290258841446864},
                                         DecilesCase{"UniformShifted",
                                                     {15, 59, 36, 42, 17, 49, 38, 35, 45, 64},
                                                     0.16642572370420564,
                                                     0.0775,
                                                     0.17105471858210164,
                                                     0.14241239471581105}),
                         [](const auto& one) { return std::string(one.param.name); });

struct JensenShannonCase {
  const char* name;
  Numbers reference;
  Numbers current;
  double natural;
};
void PrintTo(const JensenShannonCase& value, std::ostream* out) { *out << value.name; }

class JensenShannonDistance : public testing::TestWithParam<JensenShannonCase> {};

TEST_P(JensenShannonDistance, IsThatOfScipy) {
  EXPECT_NEAR(JensenShannon(GetParam().reference, GetParam().current, Logarithm::kNatural),
              GetParam().natural, 1e-14);
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, JensenShannonDistance,
    testing::Values(
        JensenShannonCase{"OfOneBinFromTwo", {1, 0}, {0.5, 0.5}, 0.46450140402245893},
        JensenShannonCase{
            "OfNumbersThatAreNoShares", {1, 2, 3, 4}, {13, 14, 15, 16}, 0.1402339353467296},
        JensenShannonCase{"OfGreaterOnes", {5, 6, 7, 8}, {17, 18, 19, 20}, 0.03991062854547198},
        JensenShannonCase{
            "OfGreaterOnesStill", {9, 10, 11, 12}, {21, 22, 23, 24}, 0.020181534745608222},
        JensenShannonCase{"OfItself", {3, 1, 2}, {3, 1, 2}, 0}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(JensenShannonDistance, HasOneAsItsGreatestValueInBaseTwo) {
  EXPECT_DOUBLE_EQ(JensenShannon(Numbers{1, 0}, Numbers{0, 1}, Logarithm::kBinary), 1);
  EXPECT_NEAR(JensenShannon(Numbers{1, 0}, Numbers{0.5, 0.5}, Logarithm::kBinary),
              0.5579230452841438, 1e-14);
}

TEST(Psi, IsInfiniteWhenABinIsEmptyOnOneSideAlone) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Psi(Numbers{0.5, 0.5, 0}, Numbers{0.5, 0.25, 0.25}), kInf);
  EXPECT_EQ(Psi(Numbers{0.5, 0.25, 0.25}, Numbers{0.5, 0.5, 0}), kInf);
  EXPECT_EQ(Psi(Numbers{0.5, 0.5, 0}, Numbers{0.5, 0.5, 0}), 0);
}

TEST(TotalVariation, IsTheShareOfRowsThatWouldHaveToChangeBins) {
  const Numbers was = SharesOf(Numbers{16, 18, 16, 14, 12, 12}, 88);
  EXPECT_NEAR(TotalVariation(was, SharesOf(Numbers{16, 16, 16, 16, 16, 8}, 88)),
              0.06818181818181818, 1e-15);
}

struct ChiSquareCase {
  const char* name;
  Numbers reference;
  Numbers current;
  double statistic;
  double p;
};
void PrintTo(const ChiSquareCase& value, std::ostream* out) { *out << value.name; }

class FitOfChiSquare : public testing::TestWithParam<ChiSquareCase> {};

TEST_P(FitOfChiSquare, IsThatOfScipy) {
  const ChiSquare test = ChiSquareFit(GetParam().reference, GetParam().current);
  EXPECT_NEAR(test.statistic, GetParam().statistic, 1e-12);
  EXPECT_NEAR(test.p, GetParam().p, GetParam().p * 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    Scipy, FitOfChiSquare,
    testing::Values(
        ChiSquareCase{"OfOneToOne", {8, 8, 8, 8}, {4, 8, 12, 8}, 4, 0.26146412994911117},
        ChiSquareCase{
            "OfUnequalShares", {2, 16, 12, 2}, {4, 8, 12, 8}, 24, 2.4979977724652003e-05}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(HomogeneityOfChiSquare, CorrectsForContinuityWhenAsked) {
  const ChiSquare plain = ChiSquareHomogeneity(Numbers{60, 40}, Numbers{45, 55}, Yates::kNo);
  EXPECT_NEAR(plain.statistic, 4.511278195488721, 1e-13);
  EXPECT_NEAR(plain.p, 0.033672068856345896, 1e-13);
}

TEST(HomogeneityOfChiSquare, DoesNotCountBinsThatAreEmptyOnBothSides) {
  const ChiSquare with = ChiSquareHomogeneity(Numbers{60, 0, 40}, Numbers{45, 0, 55}, Yates::kNo);
  EXPECT_EQ(with.degrees, 1);
  EXPECT_NEAR(with.p, 0.033672068856345896, 1e-13);
}

TEST(HomogeneityOfChiSquare, FindsNothingWhereASideHasNoRows) {
  EXPECT_EQ(ChiSquareHomogeneity(Numbers{1, 2}, Numbers{0, 0}, Yates::kNo).p, 1);
}

}  // namespace
}  // namespace forkcast::model
