#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "data_preprocessing/features/forecast_testing.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::preprocessing {
namespace {

/// Key a: the series of the reference values (forecast_drift.md, 4.7) from January 1st on, known to
/// the 12th; b has gaps. January 1st 2024 is a Monday.
FeatureBench::SeriesRows Rows() {
  std::vector<RowTexts> sales =
      SalesOf("a", {"2", "0", "4", "1", "3", "0", "6", "2", "1", "0", "5", "3"});
  for (const RowTexts& row : SalesOf("b", {"5", "-", "-", "0", "7", "-", "1"}))
    sales.push_back(row);
  sales.push_back({"a", January(5), "-", "1.5"});
  std::vector<RowTexts> plans;
  for (int day = 1; day <= 25; ++day) {
    const bool promo = day == 2 || day == 5 || day == 6 || day == 13 || day == 16;
    plans.push_back({"a", January(day), promo ? "1" : "0"});
  }
  return {{"daily", sales},
          {"plan", plans},
          {"holidays",
           {{"a", January(1), January(-30), "none"},
            {"a", January(13), January(10), "fair"},
            {"a", January(14), January(-30), "none"},
            {"a", January(15), January(14), "strike"}}},
          {"keys", {{"a", "2024-01-10 12:00:00", "80.5"}}}};
}

struct FeatureCase {
  std::string name;
  std::string feature;
  std::string value;
  int origin = 13;  ///< Start of this day of January: the days before are known.
  int target = 13;
  std::string key = "a";
};

void PrintTo(const FeatureCase& one, std::ostream* out) { *out << one.name; }

class ForecastFeature : public testing::TestWithParam<FeatureCase> {};

TEST_P(ForecastFeature, IsWhatItsFormulaSays) {
  const FeatureCase& one = GetParam();
  const FeatureBench bench(DailySalesWith({one.feature}), Rows());
  const std::vector<Value> values =
      bench.ComputeAt({one.key, January(1), "4"},
                      {.origin = At(January(one.origin)), .target = At(January(one.target))});
  EXPECT_EQ(ShowAll(values), one.value);
}

const auto kNameOf = [](const auto& param) { return param.param.name; };

INSTANTIATE_TEST_SUITE_P(
    Lag, ForecastFeature,
    testing::Values(
        FeatureCase{"OneIsTheLastKnownPeriod", R"({"op": "lag", "periods": 1})", "3"},
        FeatureCase{"CountsBackFromThere", R"({"op": "lag", "periods": 3})", "0"},
        FeatureCase{"ReachesTheFirstPeriod", R"({"op": "lag", "periods": 12})", "2"},
        FeatureCase{"IsMissingBeforeTheFirst", R"({"op": "lag", "periods": 13})", "-"},
        FeatureCase{"DoesNotDependOnTheTarget", R"({"op": "lag", "periods": 1})", "3", 13, 19},
        FeatureCase{"ReadsAsOfTheOrigin", R"({"op": "lag", "periods": 1})", "0", 3, 13},
        FeatureCase{"IsMissingBeforeAnythingIsKnown", R"({"op": "lag", "periods": 1})", "-", 1},
        FeatureCase{"IsMissingOfAnUnknownKey", R"({"op": "lag", "periods": 1})", "-", 13, 13, "z"},
        FeatureCase{"IsMissingWithoutAKey", R"({"op": "lag", "periods": 1})", "-", 13, 13, "-"},
        FeatureCase{"IsMissingInAGap", R"({"op": "lag", "periods": 2})", "-", 8, 8, "b"},
        FeatureCase{"OfACountIs0InAGap", R"({"op": "lag", "periods": 2, "value": "rows"})", "0", 8,
                    8, "b"},
        FeatureCase{"OfThePreviousValueStaysInAGap",
                    R"({"op": "lag", "periods": 1, "value": "price"})", "1.5"},
        FeatureCase{
            "OneAtTheTargetIsTheTargetItself",
            R"({"op": "lag", "periods": 1, "series": "plan", "value": "promo", "at": "target"})",
            "1", 10, 16},
        FeatureCase{
            "TwoAtTheTargetIsTheDayBefore",
            R"({"op": "lag", "periods": 2, "series": "plan", "value": "promo", "at": "target"})",
            "0", 10, 16},
        FeatureCase{
            "AtATargetBehindThePlanIsMissing",
            R"({"op": "lag", "periods": 1, "series": "plan", "value": "promo", "at": "target"})",
            "-", 10, 26}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Difference, ForecastFeature,
    testing::Values(FeatureCase{"OfOnePeriod", R"({"op": "difference", "periods": 1})", "-2"},
                    FeatureCase{"OfAWeek", R"({"op": "difference", "periods": 7})", "0"},
                    FeatureCase{"LaterLag", R"({"op": "difference", "periods": 1, "lag": 2})", "5"},
                    FeatureCase{"IsMissingWhereEitherIs", R"({"op": "difference", "periods": 12})",
                                "-"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    SeasonalLag, ForecastFeature,
    testing::Values(FeatureCase{"OneStepAhead", R"({"op": "seasonal_lag", "season": 7})", "0"},
                    FeatureCase{"AFullSeasonAheadIsTheLastKnown",
                                R"({"op": "seasonal_lag", "season": 7})", "3", 13, 19},
                    FeatureCase{"BeyondASeasonGoesBackTwo",
                                R"({"op": "seasonal_lag", "season": 7})", "0", 13, 20},
                    FeatureCase{"SeasonsFurtherBack",
                                R"({"op": "seasonal_lag", "season": 5, "seasons": 2})", "4"},
                    FeatureCase{"IsMissingBeforeTheFirst",
                                R"({"op": "seasonal_lag", "season": 7, "seasons": 2})", "-"},
                    FeatureCase{"NeverReadsATargetThatHasPassed",
                                R"({"op": "seasonal_lag", "season": 1})", "5", 13, 12}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Step, ForecastFeature,
    testing::Values(FeatureCase{"OneOfTheNextPeriod", R"({"op": "step"})", "1"},
                    FeatureCase{"CountsPeriodsAhead", R"({"op": "step"})", "7", 13, 19},
                    FeatureCase{"IsMissingBeforeAnythingIsKnown", R"({"op": "step"})", "-", 1},
                    FeatureCase{"IsMissingOfAnUnknownKey", R"({"op": "step"})", "-", 13, 13, "z"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Rolling, ForecastFeature,
    testing::Values(
        FeatureCase{"Mean", R"({"op": "rolling", "statistic": "mean", "window": 4})", "2.25"},
        FeatureCase{"MeanFurtherBack",
                    R"({"op": "rolling", "statistic": "mean", "window": 4, "lag": 2})", "2"},
        FeatureCase{"Sum", R"({"op": "rolling", "statistic": "sum", "window": 4})", "9"},
        FeatureCase{"Min", R"({"op": "rolling", "statistic": "min", "window": 2})", "3"},
        FeatureCase{"Max", R"({"op": "rolling", "statistic": "max", "window": 3})", "5"},
        FeatureCase{"MedianOfAnEvenNumber",
                    R"({"op": "rolling", "statistic": "median", "window": 4})", "2"},
        FeatureCase{"MedianOfAnOddNumber",
                    R"({"op": "rolling", "statistic": "median", "window": 3})", "3"},
        FeatureCase{"StdOfASample", R"({"op": "rolling", "statistic": "std", "window": 2})",
                    "1.4142135623730951"},
        FeatureCase{"StdOfOneValueIsMissing",
                    R"({"op": "rolling", "statistic": "std", "window": 2, "min_count": 1})", "-",
                    2},
        FeatureCase{"IsMissingBeforeTheWindowIsFull",
                    R"({"op": "rolling", "statistic": "mean", "window": 4})", "-", 4},
        FeatureCase{"MinCountTakesWhatIsThere",
                    R"({"op": "rolling", "statistic": "mean", "window": 4, "min_count": 2})", "2",
                    4},
        FeatureCase{"LeavesMissingValuesOut",
                    R"({"op": "rolling", "statistic": "mean", "window": 7, "min_count": 4})",
                    "3.25", 8, 8, "b"},
        FeatureCase{"IsMissingWithFewerThanMinCount",
                    R"({"op": "rolling", "statistic": "mean", "window": 7, "min_count": 5})", "-",
                    8, 8, "b"},
        FeatureCase{"MinLeavesMissingValuesOut",
                    R"({"op": "rolling", "statistic": "min", "window": 3, "min_count": 1})", "1", 8,
                    8, "b"},
        FeatureCase{"MedianLeavesMissingValuesOut",
                    R"({"op": "rolling", "statistic": "median", "window": 7, "min_count": 1})", "3",
                    8, 8, "b"},
        FeatureCase{"OfPlansUpToTheTarget",
                    R"({"op": "rolling", "statistic": "sum", "window": 4, "series": "plan",
                        "value": "promo", "at": "target"})",
                    "2", 10, 16}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Match, ForecastFeature,
    testing::Values(
        FeatureCase{
            "SameDayOfTheWeek",
            R"({"op": "rolling", "statistic": "mean", "window": 12, "match": ["day_of_week"]})",
            "2", 13, 15},
        FeatureCase{
            "OnlyWithinTheWindow",
            R"({"op": "rolling", "statistic": "sum", "window": 10, "match": ["day_of_week"]})", "2",
            13, 15},
        FeatureCase{"SamePlan",
                    R"({"op": "rolling", "statistic": "mean", "window": 12,
                        "match": [{"series": "plan", "value": "promo", "key": ["k"]}]})",
                    "1", 13, 13},
        FeatureCase{"BothAtOnce",
                    R"({"op": "rolling", "statistic": "max", "window": 12,
                        "match": ["day_of_week", {"series": "plan", "value": "promo", "key": ["k"]}]})",
                    "3", 13, 19},
        FeatureCase{
            "IsMissingWithoutAnyLikeIt",
            R"({"op": "rolling", "statistic": "mean", "window": 4, "match": ["day_of_week"]})", "-",
            13, 13},
        FeatureCase{"IsMissingWhereThePlanEnds",
                    R"({"op": "rolling", "statistic": "mean", "window": 12,
                        "match": [{"series": "plan", "value": "promo", "key": ["k"]}]})",
                    "-", 13, 26},
        FeatureCase{"MinCountIsOfThoseThatMatch",
                    R"({"op": "rolling", "statistic": "mean", "window": 12, "min_count": 3,
                        "match": ["day_of_week"]})",
                    "-", 13, 15},
        FeatureCase{"WithALag",
                    R"({"op": "rolling", "statistic": "sum", "window": 12, "lag": 6,
                        "match": ["day_of_week"]})",
                    "2", 13, 15}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    NonzeroShare, ForecastFeature,
    testing::Values(FeatureCase{"OfAWindow", R"({"op": "nonzero_share", "window": 5})", "0.8"},
                    FeatureCase{"FurtherBack", R"({"op": "nonzero_share", "window": 5, "lag": 4})",
                                "0.8"},
                    FeatureCase{"OfTheValuesThatAreThere",
                                R"({"op": "nonzero_share", "window": 4, "min_count": 1})",
                                "0.6666666666666666", 8, 8, "b"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    PeriodsSince, ForecastFeature,
    testing::Values(
        FeatureCase{"ANonzeroLastPeriodIs0", R"({"op": "periods_since", "limit": 5})", "0"},
        FeatureCase{"CountsPeriodsOf0", R"({"op": "periods_since", "limit": 5})", "1", 11},
        FeatureCase{"ReachesTheLimit", R"({"op": "periods_since", "limit": 1})", "1", 11},
        FeatureCase{"AMissingValueIsNoEvent", R"({"op": "periods_since", "limit": 5})", "3", 5, 5,
                    "b"},
        FeatureCase{"IsMissingBeyondTheLimit", R"({"op": "periods_since", "limit": 2})", "-", 5, 5,
                    "b"},
        FeatureCase{"CountsToTheTarget",
                    R"({"op": "periods_since", "limit": 9, "series": "plan", "value": "promo",
                        "at": "target"})",
                    "2", 10, 15},
        FeatureCase{"OfPlansAtTheOriginCountsFromThere",
                    R"({"op": "periods_since", "limit": 9, "series": "plan", "value": "promo"})",
                    "3", 10, 15}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    PeriodsUntil, ForecastFeature,
    testing::Values(
        FeatureCase{"CountsFromTheTarget",
                    R"({"op": "periods_until", "limit": 9, "series": "plan", "value": "promo"})",
                    "3", 2, 10},
        FeatureCase{"Is0AtAnEvent",
                    R"({"op": "periods_until", "limit": 9, "series": "plan", "value": "promo"})",
                    "0", 2, 13},
        FeatureCase{"ReachesTheLimit",
                    R"({"op": "periods_until", "limit": 3, "series": "plan", "value": "promo"})",
                    "3", 2, 10},
        FeatureCase{"IsMissingBeyondTheLimit",
                    R"({"op": "periods_until", "limit": 2, "series": "plan", "value": "promo"})",
                    "-", 2, 10},
        FeatureCase{"IsMissingAfterTheLastEvent",
                    R"({"op": "periods_until", "limit": 9, "series": "plan", "value": "promo"})",
                    "-", 2, 17}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Instants, ForecastFeature,
    testing::Values(
        FeatureCase{"HoursSince",
                    R"({"op": "time_since", "series": "keys", "value": "opened", "unit": "h"})",
                    "60"},
        FeatureCase{"DaysUntilIsNegativeAfterwards",
                    R"({"op": "time_until", "series": "keys", "value": "opened", "unit": "d"})",
                    "-2.5"},
        FeatureCase{"DaysSinceAtTheTarget",
                    R"({"op": "time_since", "series": "keys", "value": "opened", "unit": "d",
                        "at": "target"})",
                    "9.5", 13, 20},
        FeatureCase{"NotReachedAtTheOrigin",
                    R"({"op": "reached", "series": "keys", "value": "opened"})", "false", 10, 11},
        FeatureCase{"ReachedAtTheTarget",
                    R"({"op": "reached", "series": "keys", "value": "opened", "at": "target"})",
                    "true", 10, 11},
        FeatureCase{"IsMissingOfAnUnknownKey",
                    R"({"op": "time_since", "series": "keys", "value": "opened", "unit": "h"})",
                    "-", 13, 13, "z"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    AtTheTarget, ForecastFeature,
    testing::Values(
        FeatureCase{"CalendarPart", R"({"op": "calendar", "part": "day_of_week", "at": "target"})",
                    "7", 13, 14},
        FeatureCase{"CalendarPartOfTheOrigin",
                    R"({"op": "calendar", "part": "day_of_week", "at": "origin"})", "6", 13, 14},
        FeatureCase{"AStaticAttributeIsTheSame",
                    R"({"op": "as_of", "series": "keys", "value": "size", "at": "target"})",
                    "80.5"},
        FeatureCase{"APlanByPeriods",
                    R"({"op": "as_of", "series": "plan", "value": "promo", "at": "target"})", "1",
                    2, 16},
        FeatureCase{"APlanAsItWasKnownAtTheOrigin",
                    R"({"op": "as_of", "series": "holidays", "value": "holiday", "at": "target"})",
                    "'fair'", 10, 13},
        FeatureCase{"APlanThatWasNotKnownYetIsNotRead",
                    R"({"op": "as_of", "series": "holidays", "value": "holiday", "at": "target"})",
                    "'none'", 9, 13},
        FeatureCase{"ALaterPlanIsReadOnceItIsKnown",
                    R"({"op": "as_of", "series": "holidays", "value": "holiday", "at": "target"})",
                    "'strike'", 14, 16},
        FeatureCase{"AndNotBefore",
                    R"({"op": "as_of", "series": "holidays", "value": "holiday", "at": "target"})",
                    "'none'", 13, 16}),
    kNameOf);

TEST(FieldFeature, IsTheRequestsField) {
  const FeatureBench bench(DailySalesWith({R"({"op": "field", "field": "n"})"}), Rows());
  EXPECT_EQ(bench.Compute({"a", January(13), "4"}), "4");
  EXPECT_EQ(bench.Compute({"a", January(13), "-"}), "-");
}

TEST(ArithmeticFeature, IsOfTwoFeaturesNamedBefore) {
  const FeatureBench bench(
      DailySalesWith({R"({"op": "field", "field": "n", "name": "n"})",
                      R"({"op": "lag", "periods": 1, "name": "y"})",
                      R"({"op": "subtract", "left": "n", "right": "y", "name": "left_over"})",
                      R"({"op": "divide", "left": "n", "right": "y"})",
                      R"({"op": "multiply", "left": "left_over", "right": "left_over"})"}),
      Rows());
  EXPECT_EQ(bench.Compute({"a", January(13), "6"}), "6 3 3 2 9");
  EXPECT_EQ(bench.Compute({"a", January(11), "6"}), "6 0 6 - 36") << "no division by 0";
  EXPECT_EQ(bench.Compute({"a", January(13), "-"}), "- 3 - - -");
}

TEST(MissingRules, KeepStandInOrRefuse) {
  const FeatureBench bench(
      DailySalesWith({R"({"op": "lag", "periods": 1, "missing": "keep"})",
                      R"({"op": "lag", "periods": 1, "missing": {"value": 0.5}})"}),
      Rows());
  EXPECT_EQ(bench.Compute({"a", January(1), "-"}), "- 0.5");
  const FeatureBench strict(DailySalesWith({R"({"op": "lag", "periods": 1, "missing": "error"})"}),
                            Rows());
  EXPECT_THAT(strict.Compute({"a", January(1), "-"}), testing::StartsWith("missing f0: "));
}

/// forecast_drift.md, 4.7: rolling mean and standard deviation of four values, from the fifth day
/// on.
TEST(RollingFeature, GivesTheReferenceValues) {
  const FeatureBench bench(
      DailySalesWith({R"({"op": "rolling", "statistic": "mean", "window": 4})",
                      R"({"op": "rolling", "statistic": "std", "window": 4})"}),
      Rows());
  const std::vector<double> means{1.75, 2, 2, 2.5, 2.75, 2.25, 2.25, 2};
  const std::vector<double> stds{
      1.707825127659933,  1.8257418583505538, 1.8257418583505538, 2.6457513110645907, 2.5,
      2.6299556396835823, 2.6299556396835823, 2.160246899469287};
  for (int i = 0; i < 8; ++i) {
    const Instant day = At(January(5 + i));
    const std::vector<Value> values =
        bench.ComputeAt({"a", January(1), "-"}, {.origin = day, .target = day});
    EXPECT_EQ(std::get<double>(values[0]), means[static_cast<std::size_t>(i)]) << i;
    EXPECT_NEAR(std::get<double>(values[1]), stds[static_cast<std::size_t>(i)], 1e-9) << i;
  }
}

TEST(Origin, WithinAPeriodReadsThePeriodsThatHaveEnded) {
  const FeatureBench bench(
      DailySalesWith({R"({"op": "lag", "periods": 1})", R"({"op": "seasonal_lag", "season": 7})"}),
      Rows());
  EXPECT_EQ(bench.Compute({"a", "2024-01-11 23:59:59.999999", "-"}), "0 1");
  EXPECT_EQ(bench.Compute({"a", "2024-01-12", "-"}), "5 3");
}

TEST(Origin, OnTheDayOf23HoursIsThatOfThePipelinesZone) {
  auto pipeline = DailySalesWith(
      {R"({"op": "lag", "periods": 1})", R"({"op": "calendar", "part": "hour", "at": "target"})"});
  pipeline["timezone"] = "Europe/Berlin";
  const FeatureBench bench(pipeline, {{"daily",
                                       {{"a", "2024-03-30 12:00:00", "1", "-"},
                                        {"a", "2024-03-31 12:00:00", "2", "-"},
                                        {"a", "2024-04-01 12:00:00", "4", "-"}}}});
  EXPECT_EQ(bench.Compute({"a", "2024-03-31T21:59:59Z", "-"}), "1 23");
  EXPECT_EQ(bench.Compute({"a", "2024-03-31T22:00:00Z", "-"}), "2 0");
}

TEST(RecursiveForecast, ReadsAssumedValuesAsIfTheyHadHappened) {
  const FeatureBench bench(
      DailySalesWith({R"({"op": "lag", "periods": 1})", R"({"op": "lag", "periods": 3})",
                      R"({"op": "rolling", "statistic": "mean", "window": 4})",
                      R"({"op": "seasonal_lag", "season": 7})", R"({"op": "as_of"})",
                      R"({"op": "lag", "periods": 1, "value": "price"})",
                      R"({"op": "lag", "periods": 3, "value": "price"})"}),
      Rows());
  const std::vector<double> assumed{10, 20};
  EXPECT_EQ(ShowAll(bench.ComputeAt(
                {"a", January(1), "-"},
                {.origin = At(January(13)), .target = At(January(15)), .assumed = assumed})),
            "20 3 9.5 2 20 - 1.5");
  EXPECT_EQ(ShowAll(bench.ComputeAt(
                {"z", January(1), "-"},
                {.origin = At(January(13)), .target = At(January(15)), .assumed = assumed})),
            "- - - - - - -");
}

/// Hours of January 1st to 3rd; the n-th value is n.
TEST(ForecastFeatures, OfHoursMayBeOfTheSameHourOnTheWall) {
  auto pipeline =
      DailySalesWith({R"({"op": "lag", "periods": 1})", R"({"op": "seasonal_lag", "season": 24})",
                      R"({"op": "rolling", "statistic": "mean", "window": 72, "match": ["hour"]})",
                      R"({"op": "rolling", "statistic": "sum", "window": 72,
           "match": ["hour", "day_of_week"]})",
                      R"({"op": "calendar", "part": "hour", "at": "target"})"});
  pipeline["series"]["daily"]["aggregate"]["period"] = "hour";
  pipeline["series"].erase("plan");
  pipeline["timezone"] = "Asia/Kolkata";  // 01:00 UTC is half past six
  std::vector<RowTexts> sales;
  for (int hour = 0; hour < 72; ++hour) {
    std::string at;
    AppendIsoTimestamp(At("2024-01-01") + std::chrono::hours(hour), at);
    sales.push_back({"a", at, std::to_string(hour), "-"});
  }
  const FeatureBench bench(pipeline, {{"daily", sales}, {"holidays", {}}, {"keys", {}}});
  EXPECT_EQ(
      ShowAll(bench.ComputeAt({"a", January(1), "-"}, {.origin = At("2024-01-03T10:00:00Z"),
                                                       .target = At("2024-01-03T12:00:00Z")})),
      "57 36 24 - 17");
}

TEST(ForecastFeatures, AllocateNothingOnceTheyAreWarm) {
  const FeatureBench bench(
      DailySalesWith(
          {R"({"op": "lag", "periods": 1})",
           R"({"op": "rolling", "statistic": "median", "window": 4})",
           R"({"op": "rolling", "statistic": "mean", "window": 12,
                          "match": ["day_of_week"]})",
           R"({"op": "periods_until", "limit": 9, "series": "plan", "value": "promo"})"}),
      Rows());
  FeatureComputer computer = bench.MakeComputer();
  const Table rows = bench.Request({{"a", January(1), "-"}});
  std::vector<Value> values(computer.feature_count());
  SeriesMask stale = 0;
  const std::vector<double> assumed{1, 2, 3};
  std::size_t before = 0;
  for (int round = 0; round < 2; ++round) {
    before = AllocationCount();
    computer.Select(bench.snapshots(), rows, 0);
    for (const std::size_t steps : {0U, 3U, 1U}) {
      (void)computer.ComputeAt({.origin = At("2024-01-13"),
                                .target = At("2024-01-13") + std::chrono::days(steps),
                                .assumed = std::span(assumed).first(steps)},
                               values, stale);
    }
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
}

TEST(StalePlan, IsOneThatDoesNotReachTheTarget) {
  auto pipeline = DailySalesWith({R"({"op": "as_of", "series": "plan", "value": "promo",
                                      "at": "target"})"});
  pipeline["series"]["plan"]["max_staleness"] = "1d";
  pipeline["series"]["plan"]["when_stale"] = "refuse";
  const FeatureBench bench(pipeline, Rows());  // the plan's last day is the 25th
  EXPECT_EQ(ShowAll(bench.ComputeAt({"a", January(1), "-"},
                                    {.origin = At(January(2)), .target = At(January(25))})),
            "0");
  EXPECT_THROW((void)bench.ComputeAt({"a", January(1), "-"},
                                     {.origin = At(January(2)), .target = At(January(28))}),
               std::runtime_error);
}

struct Lacking {
  const char* name;
  std::vector<std::string> features;  ///< The last one may not be missing.
  const char* message;
  const char* key = "a";
  int origin = 9;
};
class MissingFeatures : public testing::TestWithParam<Lacking> {};

/// Days 1 to 8, of which the 3rd and the 6th have no value; the plan ends with the 8th.
TEST_P(MissingFeatures, SayWhichPeriodsAreMissing) {
  auto pipeline = DailySalesWith(GetParam().features);
  pipeline["features"].back().erase("missing");
  std::vector<RowTexts> plans;
  for (int day = 1; day <= 8; ++day) plans.push_back({"a", January(day), "1"});
  const FeatureBench bench(
      pipeline,
      {{"daily", SalesOf("a", {"1", "2", "-", "4", "5", "-", "7", "8"})}, {"plan", plans}});
  const Instant origin = At(January(GetParam().origin));
  try {
    (void)bench.ComputeAt({GetParam().key, January(1), "-"}, {.origin = origin, .target = origin});
    FAIL() << "nothing is missing";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), std::string("feature cannot be computed: ") + GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MissingFeatures,
    testing::Values(
        Lacking{"Lag",
                {R"({"op": "lag", "periods": 3})"},
                R"(series "daily" has no "y" in the day of 2024-01-06)"},
        Lacking{"Window",
                {R"({"op": "rolling", "statistic": "mean", "window": 6})"},
                R"(series "daily" has no "y" in the days of 2024-01-03, 2024-01-06)"},
        Lacking{"Difference",
                {R"({"op": "difference", "periods": 5})"},
                R"(series "daily" has no "y" in the day of 2024-01-03)"},
        Lacking{"SeasonalLag",
                {R"({"op": "seasonal_lag", "season": 3})"},
                R"(series "daily" has no "y" in the day of 2024-01-06)"},
        Lacking{"BeforeTheFirst",
                {R"({"op": "lag", "periods": 12})"},
                R"(series "daily" has no "y" in the day of 2023-12-28)"},
        Lacking{"OfAnOperand",
                {R"({"name": "l", "op": "lag", "periods": 3})",
                 R"({"name": "r", "op": "lag", "periods": 1})",
                 R"({"op": "divide", "left": "r", "right": "l"})"},
                R"(series "daily" has no "y" in the day of 2024-01-06)"},
        Lacking{"Many",
                {R"({"op": "rolling", "statistic": "sum", "window": 40})"},
                R"(series "daily" has no "y" in the days of 2023-11-30, 2023-12-01, 2023-12-02, )"
                R"(2023-12-03, 2023-12-04, 2023-12-05, 2023-12-06, 2023-12-07, 2023-12-08, )"
                R"(2023-12-09, 2023-12-10, 2023-12-11 and 22 more)"},
        Lacking{"OfAPlan",
                {R"({"op": "as_of", "series": "plan", "value": "promo", "at": "target"})"},
                R"(series "plan" has no "promo" in the day of 2024-01-20)",
                "a",
                20},
        Lacking{"OfAnUnknownKey",
                {R"({"op": "seasonal_lag", "season": 2})"},
                R"(series "daily" has no "y" in the day of 2024-01-07)",
                "b"},
        Lacking{"OfNoPeriods",
                {R"({"op": "as_of", "series": "keys", "value": "size"})"},
                "no data for it at the request's time"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::preprocessing
