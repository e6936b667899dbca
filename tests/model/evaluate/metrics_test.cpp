#include "model/evaluate/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <random>
#include <string>

#include "data_preprocessing/base/random.hpp"

namespace forkcast::model {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<Metric> AllMetrics() {
  const auto all = Metric::All();
  return {all.begin(), all.end()};
}

ErrorSums SumsOf(std::span<const double> actual, std::span<const double> forecast,
                 double mase_scale = kNaN) {
  ErrorSums sums;
  for (std::size_t i = 0; i < actual.size(); ++i) sums.Add(actual[i], forecast[i], mase_scale);
  return sums;
}

/// Values of utilsforecast's definitions, but for RMSLE, which is computed from its formula in
/// another program, negative forecasts as 0.
const std::vector<double> kActual{3, 0, 5, 2, 0, 7, 4, 1};
const std::vector<double> kForecast{2.5, .5, 4, 3, 1, 6, 4, 0};
const std::vector<double> kTraining{2, 0, 4, 1, 3, 0, 6, 2, 1, 0, 5, 3};

struct MetricCase {
  std::string name;
  Metric metric;
  double mase_scale;
  double value;
};

void PrintTo(const MetricCase& one, std::ostream* out) { *out << one.name; }

class MetricTest : public testing::TestWithParam<MetricCase> {};

TEST_P(MetricTest, HasTheReferenceValue) {
  EXPECT_THAT(SumsOf(kActual, kForecast, GetParam().mase_scale).Value(GetParam().metric),
              Optional(DoubleNear(GetParam().value, 1e-14)));
}

INSTANTIATE_TEST_SUITE_P(
    Reference, MetricTest,
    testing::Values(MetricCase{"Mae", Metric("mae"), kNaN, 0.75},
                    MetricCase{"Rmse", Metric("rmse"), kNaN, 0.82915619758885},
                    MetricCase{"BiasIsForecastMinusActual", Metric("bias"), kNaN, -0.125},
                    MetricCase{"Wape", Metric("wape"), kNaN, 0.2727272727272727},
                    MetricCase{"RmspeLeavesZerosOut", Metric("rmspe"), kNaN, 0.4722615696558924},
                    MetricCase{"Rmsle", Metric("rmsle"), kNaN, 0.3995264966563513},
                    MetricCase{"MaseOfSeason1", Metric("mase"), SeasonalScale(kTraining, 1), 0.25},
                    MetricCase{"MaseOfSeason4", Metric("mase"), SeasonalScale(kTraining, 4), 0.75}),
    [](const auto& one) { return one.param.name; });

struct UndefinedCase {
  std::string name;
  std::vector<double> actual;
  std::vector<double> forecast;
  std::vector<Metric> undefined;
};

void PrintTo(const UndefinedCase& one, std::ostream* out) { *out << one.name; }

class UndefinedMetrics : public testing::TestWithParam<UndefinedCase> {};

TEST_P(UndefinedMetrics, AreMissingAndNotZero) {
  const ErrorSums sums = SumsOf(GetParam().actual, GetParam().forecast);
  std::vector<Metric> undefined;
  for (const Metric metric : Metric::All()) {
    if (sums.Value(metric)) continue;
    undefined.push_back(metric);
    EXPECT_THAT(sums.WhyUndefined(metric, "sales"),
                testing::StartsWith(std::string(metric->name) + " is not defined: "));
  }
  EXPECT_EQ(undefined, GetParam().undefined);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UndefinedMetrics,
    testing::Values(UndefinedCase{"AllWithoutRows", {}, {}, AllMetrics()},
                    UndefinedCase{"AllWithoutForecasts", {1, 2}, {kNaN, kNaN}, AllMetrics()},
                    UndefinedCase{"RatiosOfActualsThatAreAllZero",
                                  {0, 0},
                                  {1, 0},
                                  {Metric("wape"), Metric("rmspe"), Metric("mase")}},
                    UndefinedCase{"LogarithmsOfNegativeActuals",
                                  {1, -1},
                                  {1, 1},
                                  {Metric("rmsle"), Metric("mase")}},
                    UndefinedCase{"OnlyMaseWithoutScale", {1}, {1}, {Metric("mase")}}),
    [](const auto& one) { return one.param.name; });

TEST(ErrorSums, SayWhyAMetricIsNotDefined) {
  const ErrorSums negative = SumsOf(std::vector{1.0, -1.0, -2.0}, std::vector{1.0, 1.0, 1.0});
  EXPECT_EQ(negative.WhyUndefined(Metric("rmsle"), "sales"),
            "rmsle is not defined: \"sales\" is negative in 2 of 3 rows");
  const ErrorSums zero = SumsOf(std::vector{0.0, 0.0}, std::vector{1.0, 1.0});
  EXPECT_EQ(zero.WhyUndefined(Metric("wape"), "sales"),
            "wape is not defined: \"sales\" is 0 in all 2 rows");
}

TEST(ErrorSums, TellTheBiasAsAShareOfWhatHappened) {
  EXPECT_THAT(SumsOf(std::vector{4.0, -6.0}, std::vector{3.0, -6.0}).RelativeBias(),
              Optional(-0.1));
  EXPECT_EQ(SumsOf(std::vector{0.0}, std::vector{1.0}).RelativeBias(), std::nullopt);
}

TEST(ErrorSums, CountRowsWithoutActualOrForecastApart) {
  ErrorSums sums = SumsOf(std::vector<double>{1, kNaN, 3, 4}, std::vector<double>{2, 1, kNaN, 4});
  EXPECT_EQ(sums.rows(), 2U);
  EXPECT_EQ(sums.rows_left_out(), 2U);
  EXPECT_THAT(sums.Value(Metric("mae")), Optional(0.5));
}

TEST(ErrorSums, ShowAnInfiniteForecast) {
  EXPECT_THAT(SumsOf(std::vector{1.0}, std::vector{kInfinity}).Value(Metric("rmse")),
              Optional(kInfinity));
}

TEST(ErrorSums, TakeANegativeForecastForZeroInRmsleAlone) {
  const ErrorSums sums = SumsOf(std::vector{1.0}, std::vector{-5.0});
  EXPECT_THAT(sums.Value(Metric("rmsle")), Optional(DoubleNear(std::log(2.0), 1e-15)));
  EXPECT_THAT(sums.Value(Metric("mae")), Optional(6));
}

TEST(ErrorSums, LeaveRowsWithoutScaleOutOfMaseAlone) {
  ErrorSums sums;
  sums.Add(1, 3, 2);
  for (const double none : {kNaN, 0.0, -1.0}) sums.Add(1, 100, none);
  EXPECT_THAT(sums.Value(Metric("mase")), Optional(1));
  EXPECT_EQ(sums.rows(), 4U);
}

TEST(ErrorSums, OfPartsMergeIntoThoseOfTheWhole) {
  std::mt19937_64 engine(4);
  for (int round = 0; round < 100; ++round) {
    ErrorSums whole;
    std::vector<ErrorSums> parts(3);
    for (int row = 0; row < 50; ++row) {
      const double actual = DrawBelow(engine, 10) == 0 ? kNaN : 10 * DrawShare(engine);
      const double forecast = 10 * DrawShare(engine) - 1;
      const double scale = DrawBelow(engine, 5) == 0 ? kNaN : DrawShare(engine);
      whole.Add(actual, forecast, scale);
      parts[DrawBelow(engine, 3)].Add(actual, forecast, scale);
    }
    ErrorSums merged;
    for (const ErrorSums& part : parts) merged.Merge(part);
    EXPECT_EQ(merged.rows(), whole.rows());
    EXPECT_EQ(merged.rows_left_out(), whole.rows_left_out());
    for (const Metric metric : Metric::All()) {
      ASSERT_NEAR(*merged.Value(metric), *whole.Value(metric), 1e-12) << metric->name;
    }
  }
}

TEST(Metrics, AreFoundByTheirNames) {
  for (const Metric metric : Metric::All()) EXPECT_EQ(Metric::Named(metric->name), metric);
  EXPECT_EQ(Metric::Named("mape"), std::nullopt);
  EXPECT_EQ(Metric::Named(""), std::nullopt);
}

TEST(SeasonalScale, LeavesPairsWithAMissingValueOut) {
  EXPECT_EQ(SeasonalScale(std::vector<double>{1, kNaN, 3, 7}, 1), 4);
  EXPECT_EQ(SeasonalScale(std::vector<double>{1, kNaN, 3, 7}, 2), 2);
}

TEST(SeasonalScale, IsMissingWithoutAPairOrAChange) {
  EXPECT_TRUE(std::isnan(SeasonalScale({}, 1)));
  EXPECT_TRUE(std::isnan(SeasonalScale(std::vector{1.0, 2.0}, 2)));
  EXPECT_TRUE(std::isnan(SeasonalScale(std::vector{kNaN, 2.0}, 1)));
  EXPECT_TRUE(std::isnan(SeasonalScale(std::vector{2.0, 2.0, 2.0}, 1)));
}

TEST(Skill, IsTheShareOfTheBaselinesErrorThatIsGone) {
  EXPECT_THAT(Skill(Metric("wape"), 0.09, 0.10), Optional(DoubleNear(0.1, 1e-15)));
  EXPECT_THAT(Skill(Metric("wape"), 0.2, 0.1), Optional(-1));
  EXPECT_THAT(Skill(Metric("bias"), 1, -2), Optional(0.5));
  EXPECT_EQ(Skill(Metric("wape"), 0.1, 0.0), std::nullopt);
  EXPECT_EQ(Skill(Metric("wape"), std::nullopt, 0.1), std::nullopt);
  EXPECT_EQ(Skill(Metric("wape"), 0.1, std::nullopt), std::nullopt);
}

TEST(Quantiles, AreLinearBetweenValues) {
  const std::vector<double> q{0, 0.1, 0.5, 0.75, 1};
  // numpy.quantile([3, 1, 4, 1, 5], q)
  EXPECT_THAT(Quantiles({3, 1, 4, 1, 5}, q), ElementsAre(1, 1, 3, 4, 5));
  // numpy.quantile([10, 20], q)
  EXPECT_THAT(Quantiles({20, kNaN, 10}, q), ElementsAre(10, 11, 15, 17.5, 20));
  EXPECT_THAT(Quantiles({7}, q), ElementsAre(7, 7, 7, 7, 7));
  EXPECT_THAT(Quantiles({1, kInfinity}, std::vector{0.0, 1.0}), ElementsAre(1, kInfinity));
  EXPECT_THAT(Quantiles({kNaN}, q), IsEmpty());
}

TEST(Quantiles, OverSeriesLeaveOutThoseWithoutTheMetric) {
  std::vector<ErrorSums> series(3);
  series[0].Add(0, 5);  // no WAPE
  series[1].Add(10, 11);
  series[2].Add(10, 13);
  EXPECT_THAT(QuantilesOverSeries(series, Metric("wape"), std::vector{0.0, 0.5, 1.0}),
              ElementsAre(0.1, DoubleNear(0.2, 1e-15), 0.3));
}

}  // namespace
}  // namespace forkcast::model
