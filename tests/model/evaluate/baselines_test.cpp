#include "model/evaluate/baselines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>

#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ParseJson;
using preprocessing::SpecErrorOf;
using testing::ElementsAre;
using testing::StartsWith;

using Kind = BaselineKind;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const std::vector<double> kIntermittent{0, 0, 3, 0, 0, 0, 2, 0, 5, 0, 0, 1, 0, 0, 0, 4, 0, 2, 0, 0};

struct ForecastCase {
  std::string name;
  BaselineSpec spec;
  std::vector<double> history;
  std::size_t step;
  double value;
};

void PrintTo(const ForecastCase& one, std::ostream* out) { *out << one.name; }

class BaselineTest : public testing::TestWithParam<ForecastCase> {};

TEST_P(BaselineTest, Forecasts) {
  const BaselineForecast forecast =
      ForecastBaseline(GetParam().spec, GetParam().history, GetParam().step);
  EXPECT_EQ(forecast.reason, NoForecast::kNone);
  EXPECT_NEAR(forecast.value, GetParam().value, 1e-15);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BaselineTest,
    testing::Values(
        ForecastCase{"ZeroWhateverTheHistory", {.kind = Kind::kZero}, {}, 1, 0},
        ForecastCase{"NaiveTheLastValue", {.kind = Kind::kNaive}, {1, 2, 7}, 3, 7},
        ForecastCase{"NaiveTheLastValueThatIsThere", {.kind = Kind::kNaive}, {1, 2, kNaN}, 1, 2},
        ForecastCase{"SeasonalNaiveOneSeasonBeforeTheTarget",
                     {.kind = Kind::kSeasonalNaive, .periods = 4},
                     {9, 1, 2, 3, 4},
                     1,
                     1},
        ForecastCase{"SeasonalNaiveTheLastValueForStepOfASeason",
                     {.kind = Kind::kSeasonalNaive, .periods = 4},
                     {1, 2, 3, 4},
                     4,
                     4},
        ForecastCase{"SeasonalNaiveTwoSeasonsBackForStepsBeyondOne",
                     {.kind = Kind::kSeasonalNaive, .periods = 4},
                     {1, 2, 3, 4},
                     5,
                     1},
        ForecastCase{"SeasonalNaiveOfSeasonOneTheLastValue",
                     {.kind = Kind::kSeasonalNaive, .periods = 1},
                     {3, 5},
                     6,
                     5},
        ForecastCase{"SeasonalNaiveTheLastValueWhenAskedToFallBack",
                     {.kind = Kind::kSeasonalNaive, .periods = 52, .falls_back_to_naive = true},
                     {1, 8},
                     1,
                     8},
        ForecastCase{"SeasonalNaiveFallsBackFromAMissingValueToo",
                     {.kind = Kind::kSeasonalNaive, .periods = 2, .falls_back_to_naive = true},
                     {kNaN, 8},
                     1,
                     8},
        ForecastCase{"MovingAverageOfTheLastPeriods",
                     {.kind = Kind::kMovingAverage, .periods = 3},
                     {100, 1, 2, 6},
                     2,
                     3},
        ForecastCase{"MovingAverageWithoutMissingValues",
                     {.kind = Kind::kMovingAverage, .periods = 3},
                     {100, 1, kNaN, 6},
                     1,
                     3.5},
        ForecastCase{"RollingMedianOfAnOddWindow",
                     {.kind = Kind::kRollingMedian, .periods = 3},
                     {0, 9, 1, 4},
                     1,
                     4},
        ForecastCase{"RollingMedianOfAnEvenWindow",
                     {.kind = Kind::kRollingMedian, .periods = 4},
                     {7, 9, 1, 4},
                     1,
                     5.5},
        ForecastCase{"RollingMedianWithoutMissingValues",
                     {.kind = Kind::kRollingMedian, .periods = 4},
                     {7, 9, kNaN, 4},
                     1,
                     7},
        ForecastCase{"HistoricMean", {.kind = Kind::kHistoricMean}, {1, kNaN, 5}, 9, 3},
        ForecastCase{"Croston", {.kind = Kind::kCroston}, kIntermittent, 1, 0.9750160089314752},
        ForecastCase{"Sba", {.kind = Kind::kSba}, kIntermittent, 1, 0.9262652084849015},
        ForecastCase{"Tsb", {.kind = Kind::kTsb}, kIntermittent, 1, 0.7652425640693223},
        ForecastCase{"TsbFallsWithEveryPeriodWithoutDemand",
                     {.kind = Kind::kTsb, .alpha = 0.5},
                     {8, 0, kNaN, 0},
                     1,
                     2},
        ForecastCase{"TsbOfASeriesWithoutDemand", {.kind = Kind::kTsb}, {0, 0}, 1, 0},
        ForecastCase{"CrostonOfASeriesWithoutDemand", {.kind = Kind::kCroston}, {0, 0}, 1, 0},
        ForecastCase{"CrostonOfOneDemand", {.kind = Kind::kCroston}, {0, 0, 6, 0}, 1, 2},
        ForecastCase{"CrostonLeavesReturnsOut", {.kind = Kind::kCroston}, {0, -4, 6, -1}, 1, 2},
        ForecastCase{
            "CrostonLeavesMissingPeriodsOut", {.kind = Kind::kCroston}, {0, kNaN, kNaN, 6}, 1, 3}),
    [](const auto& one) { return one.param.name; });

struct NoneCase {
  std::string name;
  BaselineSpec spec;
  std::vector<double> history;
  NoForecast reason;
};

void PrintTo(const NoneCase& one, std::ostream* out) { *out << one.name; }

class BaselineWithoutForecast : public testing::TestWithParam<NoneCase> {};

TEST_P(BaselineWithoutForecast, SaysWhy) {
  const BaselineForecast forecast = ForecastBaseline(GetParam().spec, GetParam().history, 1);
  EXPECT_TRUE(std::isnan(forecast.value));
  EXPECT_EQ(forecast.reason, GetParam().reason) << ToString(forecast.reason);
}

constexpr auto kTooShort = NoForecast::kHistoryTooShort;
constexpr auto kMissing = NoForecast::kValueMissing;

INSTANTIATE_TEST_SUITE_P(
    Cases, BaselineWithoutForecast,
    testing::Values(
        NoneCase{"NaiveWithoutHistory", {.kind = Kind::kNaive}, {}, kTooShort},
        NoneCase{"NaiveWithoutAValue", {.kind = Kind::kNaive}, {kNaN}, kMissing},
        NoneCase{"SeasonalNaiveWithoutASeason",
                 {.kind = Kind::kSeasonalNaive, .periods = 4},
                 {1, 2, 3},
                 kTooShort},
        NoneCase{"SeasonalNaiveOfAMissingValue",
                 {.kind = Kind::kSeasonalNaive, .periods = 3},
                 {kNaN, 2, 3},
                 kMissing},
        NoneCase{"SeasonalNaiveWithNothingToFallBackTo",
                 {.kind = Kind::kSeasonalNaive, .periods = 3, .falls_back_to_naive = true},
                 {},
                 kTooShort},
        NoneCase{"MovingAverageOfTooFewPeriods",
                 {.kind = Kind::kMovingAverage, .periods = 2},
                 {1},
                 kTooShort},
        NoneCase{"MovingAverageOfMissingValues",
                 {.kind = Kind::kMovingAverage, .periods = 2},
                 {1, kNaN, kNaN},
                 kMissing},
        NoneCase{"RollingMedianOfTooFewPeriods",
                 {.kind = Kind::kRollingMedian, .periods = 2},
                 {1},
                 kTooShort},
        NoneCase{"RollingMedianOfMissingValues",
                 {.kind = Kind::kRollingMedian, .periods = 2},
                 {1, kNaN, kNaN},
                 kMissing},
        NoneCase{"HistoricMeanOfNothing", {.kind = Kind::kHistoricMean}, {}, kTooShort},
        NoneCase{"HistoricMeanOfMissingValues", {.kind = Kind::kHistoricMean}, {kNaN}, kMissing},
        NoneCase{"TsbOfNothing", {.kind = Kind::kTsb}, {}, kTooShort},
        NoneCase{"CrostonOfNothing", {.kind = Kind::kCroston}, {}, kTooShort},
        NoneCase{"SbaOfMissingValues", {.kind = Kind::kSba}, {kNaN, kNaN}, kMissing}),
    [](const auto& one) { return one.param.name; });

std::vector<BaselineSpec> Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadBaselines(JsonNode(json));
}

TEST(ReadBaselines, TakesNamesAndParameters) {
  const std::vector<BaselineSpec> specs =
      Read(R"(["naive", {"seasonal_naive": 52, "fallback": "naive"}, {"moving_average": 4},
               {"rolling_median": 8}, "croston", {"sba": 0.2}, "zero", "historic_mean", {"tsb": 0.3}])");
  EXPECT_THAT(
      specs,
      ElementsAre(
          BaselineSpec{.kind = Kind::kNaive},
          BaselineSpec{.kind = Kind::kSeasonalNaive, .periods = 52, .falls_back_to_naive = true},
          BaselineSpec{.kind = Kind::kMovingAverage, .periods = 4},
          BaselineSpec{.kind = Kind::kRollingMedian, .periods = 8},
          BaselineSpec{.kind = Kind::kCroston}, BaselineSpec{.kind = Kind::kSba, .alpha = 0.2},
          BaselineSpec{.kind = Kind::kZero}, BaselineSpec{.kind = Kind::kHistoricMean},
          BaselineSpec{.kind = Kind::kTsb, .alpha = 0.3}));
  std::vector<std::string> names;
  for (const BaselineSpec& spec : specs) names.push_back(NameOf(spec));
  EXPECT_THAT(names,
              ElementsAre("naive", "seasonal_naive_52", "moving_average_4", "rolling_median_8",
                          "croston", "sba", "zero", "historic_mean", "tsb"));
}

struct BadSpec {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const BadSpec& one, std::ostream* out) { *out << one.name; }

class BadBaselines : public testing::TestWithParam<BadSpec> {};

TEST_P(BadBaselines, AreRefusedWithTheirPlace) {
  EXPECT_THAT(SpecErrorOf([] { Read(GetParam().text); }), StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadBaselines,
    testing::Values(
        BadSpec{"UnknownName", R"(["naive", "prophet"])", "$[1]: no such baseline"},
        BadSpec{"UnknownKey", R"([{"prophet": 4}])", "$[0]: expected one of seasonal_naive"},
        BadSpec{"SeasonWithoutLength", R"(["seasonal_naive"])",
                "$[0]: expected {\"seasonal_naive\": number of periods}"},
        BadSpec{"WindowOfZero", R"([{"moving_average": 0}])", "$[0].moving_average: expected"},
        BadSpec{"FallbackOfAnother", R"([{"moving_average": 4, "fallback": "naive"}])",
                "$[0].fallback: unknown key"},
        BadSpec{"FallbackToAnother", R"([{"seasonal_naive": 4, "fallback": "zero"}])",
                "$[0].fallback: expected naive"},
        BadSpec{"AlphaBeyondOne", R"([{"croston": 2}])", "$[0].croston: expected"},
        BadSpec{"Twice", R"(["naive", "naive"])", "$[1]: given twice"},
        BadSpec{"TwoInOne", R"([{"moving_average": 4, "rolling_median": 4}])",
                "$[0].rolling_median: unknown key"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace forkcast::model
