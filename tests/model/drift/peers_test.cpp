#include "model/drift/peers.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include "model/drift/divergence.hpp"
#include "model/drift/samples.hpp"
#include "vectors.hpp"

// The expected values were printed by Evidently's own functions (commit a4aa4c2), by scipy 1.10 and
// by NannyML's and deequ's formulas, with 17 digits.

namespace forkcast::model {
namespace {

using test::Evenly;
using test::Repeated;
using test::Uniform;

constexpr double kRelative = 1e-9;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

void ExpectEqual(double found, double expected, const char* what) {
  if (std::isnan(expected)) return;
  EXPECT_NEAR(found, expected, std::abs(expected) * kRelative) << what;
}

struct NumbersCase {
  const char* name;
  std::vector<double> reference;
  std::vector<double> current;
  double psi;
  double jensen_shannon;
  double binary_jensen_shannon = kUnknown;
  double kullback_leibler = kUnknown;
  double d = kUnknown;
  double p = kUnknown;
  double wasserstein = kUnknown;
  double normed_wasserstein = kUnknown;
};
void PrintTo(const NumbersCase& value, std::ostream* out) { *out << value.name; }

class EvidentlyOnNumbers : public testing::TestWithParam<NumbersCase> {};

TEST_P(EvidentlyOnNumbers, GivesWhatItsOwnFunctionsGive) {
  const NumbersCase& expected = GetParam();
  const NumberSamples samples{expected.reference, expected.current};
  const PairedCounts bins = EvidentlyBins(samples);
  ExpectEqual(EvidentlyPsi(bins), expected.psi, "PSI");
  ExpectEqual(EvidentlyJensenShannon(bins), expected.jensen_shannon, "JS");
  ExpectEqual(JensenShannon(bins.reference, bins.current, Logarithm::kBinary),
              expected.binary_jensen_shannon, "JS in base 2");
  ExpectEqual(EvidentlyKullbackLeibler(bins), expected.kullback_leibler, "KL");
  ExpectEqual(EvidentlyKolmogorovSmirnov(samples), expected.p, "p of KS");
  ExpectEqual(EvidentlyWasserstein(samples), expected.normed_wasserstein, "W1 / std");
  std::vector<double> reference = expected.reference;
  std::vector<double> current = expected.current;
  std::ranges::sort(reference);
  std::ranges::sort(current);
  ExpectEqual(KolmogorovSmirnovOf(reference, current).d, expected.d, "D");
  ExpectEqual(Wasserstein(reference, current), expected.wasserstein, "W1");
}

std::vector<double> Squared(std::vector<double> values) {
  for (double& value : values) value = std::min(value * value, 1.0);
  return values;
}
std::vector<double> Shifted(std::vector<double> values, double by) {
  for (double& value : values) value += by;
  return values;
}

INSTANTIATE_TEST_SUITE_P(
    Vectors, EvidentlyOnNumbers,
    testing::Values(NumbersCase{"SixValues", Repeated({16, 18, 16, 14, 12, 12}),
                                Repeated({16, 16, 16, 16, 16, 8}), 0.037218381577290835,
                                0.06804819617703867, 0.08173421330573757, 0.018909676965320497,
                                0.045454545454545456, 0.9999926089855543, 0.09090909090909094,
                                0.054433105395181744},
                    NumbersCase{"EightDisjointValuesASide",
                                {38.7, 41.5, 43.8, 44.5, 45.5, 46, 47.7, 58},
                                {39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8},
                                14.250388222464219,
                                0.8325546111576977,
                                1,
                                7.1194985124221715,
                                0.625,
                                0.08702408702408701,
                                4.1625,
                                0.781236105789365},
                    NumbersCase{"UniformAndItsSquare", Uniform(42, 1000), Squared(Uniform(43, 400)),
                                0.41896546900777354, 0.22370362762773668, 0.26869544007049406,
                                0.18950940406346764, 0.2495, 4.284135830380537e-16,
                                0.15834419167399214, 0.5431771545049741},
                    NumbersCase{"UniformShifted", Uniform(42, 1000),
                                Shifted(Uniform(43, 400), 0.05), 0.20235352980527224,
                                0.15614355395029733, 0.1875475216372581, 0.10524787207896044, 0.087,
                                0.02519028866397965, 0.05222987696019186, 0.17916713993394726},
                    NumbersCase{"EvenValuesShifted", Evenly(0, 1, 1001), Evenly(0.1, 1.1, 501),
                                1.2536496140828954, 0.25270462028045315, 0.303529182222723,
                                0.6270295656831707, 0.10137567023794569, 0.0018846748220199495, 0.1,
                                0.34606427010299134},
                    NumbersCase{"ThreeValues", {3, 2, 2}, {1, 2, 3}, 2.9341472484810085, kUnknown}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(EvidentlyOnNumbers, HellingerIsOfDensitiesInBinsOfTheDifferentValues) {
  const std::vector<double> reference = Uniform(42, 1000);
  const std::vector<double> current = Squared(Uniform(43, 400));
  EXPECT_NEAR(EvidentlyHellinger({reference, current}), 0.226202978327608, 1e-13);
}

struct CategoriesCase {
  const char* name;
  std::vector<double> reference;
  std::vector<double> current;
  double psi;
  double jensen_shannon;
  double kullback_leibler;
  double fit;
  double fit_p;
  double homogeneity;
  double homogeneity_p;
  double hellinger;
};
void PrintTo(const CategoriesCase& value, std::ostream* out) { *out << value.name; }

class EvidentlyOnCategories : public testing::TestWithParam<CategoriesCase> {};

TEST_P(EvidentlyOnCategories, GivesWhatItsOwnFunctionsGive) {
  const CategoriesCase& expected = GetParam();
  const PairedCounts counts{expected.reference, expected.current};
  ExpectEqual(EvidentlyPsi(counts), expected.psi, "PSI");
  ExpectEqual(EvidentlyJensenShannon(counts), expected.jensen_shannon, "JS");
  ExpectEqual(EvidentlyKullbackLeibler(counts), expected.kullback_leibler, "KL");
  const ChiSquare fit = ChiSquareFit(counts.reference, counts.current);
  if (std::isinf(expected.fit)) {
    EXPECT_EQ(fit.statistic, expected.fit);
  } else {
    ExpectEqual(fit.statistic, expected.fit, "fit");
  }
  ExpectEqual(fit.p, expected.fit_p, "p of the fit");
  const ChiSquare both = ChiSquareHomogeneity(counts.reference, counts.current, Yates::kTwoByTwo);
  ExpectEqual(both.statistic, expected.homogeneity, "homogeneity");
  ExpectEqual(both.p, expected.homogeneity_p, "p of homogeneity");
  const std::vector<double> was = SharesOf(counts.reference, Repeated(counts.reference).size());
  const std::vector<double> is = SharesOf(counts.current, Repeated(counts.current).size());
  ExpectEqual(Hellinger(was, is), expected.hellinger, "Hellinger");
}

INSTANTIATE_TEST_SUITE_P(Vectors, EvidentlyOnCategories,
                         testing::Values(CategoriesCase{"SixOfThem",
                                                        {16, 18, 16, 14, 12, 12},
                                                        {16, 16, 16, 16, 16, 8},
                                                        0.037218381577290835,
                                                        0.06804819617703867,
                                                        0.018909676965320497,
                                                        3.1746031746031744,
                                                        0.6730876006966301,
                                                        1.6224089635854342,
                                                        0.8985262394026607,
                                                        0.06812774370983345},
                                         CategoriesCase{"TwoOfThem",
                                                        {60, 40},
                                                        {45, 55},
                                                        0.0909203705355473,
                                                        0.10640215619834746,
                                                        0.04522775102365467,
                                                        9.375,
                                                        0.00219964706111306,
                                                        3.929824561403509,
                                                        0.04743689282486537,
                                                        0.10650437430919812},
                                         CategoriesCase{"AnUnseenOne",
                                                        {6000, 3000, 1000, 0},
                                                        {500, 300, 100, 100},
                                                        0.7083169080497109,
                                                        0.19218019454096977,
                                                        0.10859129441919925,
                                                        std::numeric_limits<double>::infinity(),
                                                        0,
                                                        1015.3846153846152,
                                                        8.273984436379239e-220,
                                                        0.228642608659965}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(EvidentlyOnCategories, ComparesTheShareOfTheFirstOfTwoByZ) {
  const ZTest test = EvidentlyZTest({{60, 40}, {45, 55}});
  EXPECT_NEAR(test.z, -2.1239769762143665, 1e-12);
  EXPECT_NEAR(test.p, 0.03367206885634566, 1e-11);
}

TEST(Evidently, ChoosesItsTestByTheSizeOfTheReference) {
  const std::vector<double> small = Uniform(42, 1000);
  const std::vector<double> great = Uniform(42, 1001);
  const std::vector<double> current = Uniform(43, 400);
  EXPECT_EQ(ByEvidently(NumberSamples{small, current}).statistic, "kolmogorov_smirnov_p");
  EXPECT_EQ(ByEvidently(NumberSamples{great, current}).statistic, "wasserstein_normed");
  const std::vector<double> few = Repeated({500, 300, 201});
  EXPECT_EQ(ByEvidently(NumberSamples{few, few}).statistic, "jensen_shannon");
  EXPECT_EQ(ByEvidently(PairedCounts{{500, 300, 201}, {5, 3, 2}}).statistic, "jensen_shannon");
  EXPECT_EQ(ByEvidently(PairedCounts{{500, 300, 200}, {5, 3, 2}}).statistic, "chi_square_p");
  EXPECT_EQ(ByEvidently(PairedCounts{{500, 300}, {5, 3}}).statistic, "z_test_p");
}

struct NannyMlCase {
  const char* name;
  std::vector<double> current;
  double outside;
  double jensen_shannon;
  double hellinger;
};
void PrintTo(const NannyMlCase& value, std::ostream* out) { *out << value.name; }

class NannyMl : public testing::TestWithParam<NannyMlCase> {};

TEST_P(NannyMl, BinsByTheReferenceAndKeepsWhatLiesOutside) {
  const std::vector<double> reference = Uniform(42, 1000);
  const PairedCounts counts = NannyMlBins({reference, GetParam().current});
  EXPECT_EQ(counts.reference.size(), 13U);
  const std::vector<double> was = SharesOf(counts.reference, 1000);
  const std::vector<double> is = SharesOf(counts.current, 400);
  EXPECT_DOUBLE_EQ(is.back(), GetParam().outside);
  ExpectEqual(JensenShannon(was, is, Logarithm::kBinary), GetParam().jensen_shannon, "JS");
  ExpectEqual(Hellinger(was, is), GetParam().hellinger, "Hellinger");
}

INSTANTIATE_TEST_SUITE_P(
    Vectors, NannyMl,
    testing::Values(NannyMlCase{"UniformAndItsSquare", Squared(Uniform(43, 400)), 0.0275,
                                0.2746488374723162, 0.23934822718261495},
                    NannyMlCase{"UniformShifted", Shifted(Uniform(43, 400), 0.05), 0.0525,
                                0.21869638816604867, 0.20387370693793702}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(NannyMl, ComparesCategoriesByTheLargestGap) {
  const std::vector<double> was = SharesOf(std::vector<double>{2, 2, 2, 0}, 6);
  EXPECT_NEAR(LargestShareGap(was, SharesOf(std::vector<double>{2, 2, 2, 1}, 7)), 1.0 / 7, 1e-15);
  EXPECT_NEAR(LargestShareGap(was, SharesOf(std::vector<double>{0, 5, 0, 0}, 5)), 2.0 / 3, 1e-15);
}

TEST(NannyMl, AlarmsAboveThreeDeviationsOfTheReferencesOwnPieces) {
  const std::vector<double> reference = Uniform(42, 10'000);
  EXPECT_FALSE(ByNannyMl({reference, Uniform(43, 1'000)}).drifted);
  EXPECT_TRUE(ByNannyMl({reference, Squared(Uniform(43, 1'000))}).drifted);
}

TEST(Deequ, TakesTheSlackOfBothSizesOffTheGap) {
  const std::vector<double> reference = Uniform(42, 1000);
  const std::vector<double> squared = Squared(Uniform(43, 400));
  EXPECT_NEAR(ByDeequ(NumberSamples{reference, squared}).value, 0.1430105639042069, 1e-10);
  EXPECT_TRUE(ByDeequ(NumberSamples{reference, squared}).drifted);
  const std::vector<double> shifted = Shifted(Uniform(43, 400), 0.05);
  EXPECT_EQ(ByDeequ(NumberSamples{reference, shifted}).value, 0);
  EXPECT_EQ(ByDeequ(PairedCounts{{10, 20, 25, 10, 5}, {11, 20, 25, 10, 10}}).value, 0);
}

TEST(Deequ, HasSimpleGapsWithoutSlack) {
  const std::vector<double> was = SharesOf(std::vector<double>{10, 20, 25, 10, 5, 0}, 70);
  EXPECT_NEAR(LargestShareGap(was, SharesOf(std::vector<double>{11, 20, 25, 10, 10, 0}, 76)),
              0.06015037593984962, 1e-15);
  EXPECT_NEAR(LargestShareGap(was, SharesOf(std::vector<double>{20, 0, 25, 10, 10, 11}, 76)),
              0.2857142857142857, 1e-15);
  EXPECT_EQ(KolmogorovSmirnovOf(std::vector<double>{1, 2, 3, 4}, std::vector<double>{2, 3, 4, 5}).d,
            0.25);
}

TEST(Deequ, HasLessSlackForMoreRows) {
  EXPECT_NEAR(DeequSlack(1000, 1000), 0.08049844718999243, 1e-15);
  EXPECT_NEAR(DeequSlack(10'000, 1000), 0.0596992462263972, 1e-15);
  EXPECT_NEAR(DeequSlack(1e5, 1e5), 0.008049844718999244, 1e-15);
}

}  // namespace
}  // namespace forkcast::model
