#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "data_preprocessing/features/forecast_testing.hpp"
#include "support/mutation.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::StartsWith;

/// Daily sales with a feature of the kinds that are told wrong below.
ordered_json Valid() {
  auto pipeline = DailySalesWith(
      {R"({"op": "lag", "periods": 1})",
       R"({"op": "rolling", "statistic": "mean", "window": 28, "match": ["day_of_week",
           {"series": "plan", "value": "promo", "key": ["k"]}]})",
       R"({"op": "as_of", "series": "keys", "value": "size", "at": "target"})",
       R"({"op": "periods_until", "series": "plan", "value": "promo", "limit": 9})",
       R"({"op": "time_since", "series": "keys", "value": "opened", "unit": "d"})",
       R"({"op": "calendar", "part": "month", "at": "target"})",
       R"({"op": "subtract", "left": "f0", "right": "f1"})",
       R"({"op": "as_of", "series": "holidays", "value": "holiday", "at": "target"})"});
  pipeline["series"]["weekly"] = pipeline["series"]["daily"];
  pipeline["series"]["weekly"]["aggregate"]["period"] = "week";
  return pipeline;
}

Result<PipelineSpec> Parse(const ordered_json& json) { return ParsePipelineSpec(json.dump(), "."); }

TEST(ForecastSpecTest, ReportsThatComeLaterMayBeAggregated) {
  auto json = Valid();
  json["series"]["daily"]["known_at"] = "at";
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->SeriesNamed("daily").known_at, "at");
}

TEST(ForecastSpecTest, AValueMayBeCensoredByAnotherOne) {
  auto json = Valid();
  const std::string before = DefinitionOf(Parse(json)->SeriesNamed("daily"), "UTC");
  json["series"]["daily"]["aggregate"]["values"]["y"]["censored"] = "rows";
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const AggregateSpec& daily = *parsed->SeriesNamed("daily").aggregate;
  EXPECT_EQ(daily.values[0].censored, "rows");
  EXPECT_EQ(daily.CensoredBy(0), 2U);
  EXPECT_EQ(daily.CensoredBy(1), std::nullopt);
  // What was published without it is another series.
  EXPECT_NE(DefinitionOf(parsed->SeriesNamed("daily"), "UTC"), before);
}

TEST(ForecastSpecTest, HoldsWhatTheFileSays) {
  auto json = Valid();
  json["series"]["weekly"]["delay"] = "1d";
  json["series"]["weekly"]["aggregate"].update(
      {{"partial", "keep"}, {"from", "all"}, {"to", "key"}});
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->forecast, (ForecastSpec{.series = "daily",
                                            .value = "y",
                                            .key = {"k"},
                                            .horizon = 7,
                                            .strategy = ForecastStrategy::kDirect}));
  EXPECT_TRUE(parsed->SeriesNamed("plan").known_in_advance);
  const SeriesSpec& daily = parsed->SeriesNamed("daily");
  EXPECT_FALSE(daily.known_in_advance);
  ASSERT_TRUE(daily.aggregate.has_value());
  const std::vector<AggregateValue> values{
      {.name = "y", .op = AggregateOp::kSum, .column = "y", .empty = EmptyIsMissing()},
      {.name = "price", .op = AggregateOp::kLast, .column = "price", .empty = EmptyIsPrevious()},
      {.name = "rows", .op = AggregateOp::kCount, .column = {}, .empty = 0.0}};
  EXPECT_EQ(daily.aggregate, (AggregateSpec{.period = Period::kDay, .values = values}));
  EXPECT_EQ(daily.ValueSchema().columns[1],
            (ColumnSpec{.name = "price", .type = ColumnType::kDouble, .nullable = true}));
  const AggregateSpec& weekly = *parsed->SeriesNamed("weekly").aggregate;
  EXPECT_EQ(weekly.period, Period::kWeek);
  EXPECT_EQ(weekly.partial, PartialPeriods::kKeep);
  EXPECT_EQ(weekly.from, GridBound::kAll);
  EXPECT_EQ(weekly.to, GridBound::kKey);

  EXPECT_EQ(parsed->features[0].type, ColumnType::kDouble);
  EXPECT_TRUE(parsed->features[0].keeps_missing);
  const SeriesRead daily_k{.series = "daily", .key = {"k"}};
  const SeriesRead plan_k{.series = "plan", .key = {"k"}, .at = ReadAt::kTarget};
  EXPECT_THAT(parsed->features[1].reads, ElementsAre(daily_k, plan_k));
  EXPECT_THAT(parsed->features[3].reads, ElementsAre(plan_k));
}

struct EndOfData {
  std::string until;
  GridEnd end;
  std::string day = "1970-01-01";
};

void PrintTo(const EndOfData& one, std::ostream* out) { *out << one.until; }

class UntilTest : public testing::TestWithParam<EndOfData> {};

TEST_P(UntilTest, SaysWhereTheDataEnd) {
  auto json = Valid();
  json["series"]["daily"]["aggregate"]["until"] = GetParam().until;
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const AggregateSpec& daily = *parsed->SeriesNamed("daily").aggregate;
  EXPECT_EQ(daily.until, GetParam().end);
  EXPECT_EQ(DateText(daily.until_day), GetParam().day);
}

INSTANTIATE_TEST_SUITE_P(Each, UntilTest,
                         testing::Values(EndOfData{"today", GridEnd::kToday},
                                         EndOfData{"last_full", GridEnd::kLastFull},
                                         EndOfData{"last_row", GridEnd::kLastRow},
                                         EndOfData{"2024-03-18", GridEnd::kDay, "2024-03-18"}),
                         [](const auto& param) {
                           std::string name = param.param.until;
                           std::erase(name, '-');
                           return name;
                         });

TEST(ForecastSpecTest, AWeekBeginsOnTheDayThatIsDeclared) {
  auto json = Valid();
  json["series"]["weekly"]["aggregate"]["week_starts"] = "sunday";
  EXPECT_EQ(Parse(json)->SeriesNamed("weekly").aggregate->period, Period::kWeekFromSunday);
  json["series"]["weekly"]["aggregate"]["week_starts"] = "monday";
  EXPECT_EQ(Parse(json)->SeriesNamed("weekly").aggregate->period, Period::kWeek);
}

TEST(ForecastSpecTest, APeriodMayBeAPartOfADay) {
  auto json = Valid();
  for (const auto& [name, period] :
       {std::pair("hour", Period::kHour), std::pair("half_hour", Period::kHalfHour),
        std::pair("quarter_hour", Period::kQuarterHour)}) {
    json["series"]["weekly"]["aggregate"]["period"] = name;
    EXPECT_EQ(Parse(json)->SeriesNamed("weekly").aggregate->period, period);
  }
}

class InvalidForecast : public testing::TestWithParam<Mutation> {};

TEST_P(InvalidForecast, IsRefusedWithThePathOfWhatIsWrong) {
  const Mutation& one = GetParam();
  ordered_json json = Valid();
  ASSERT_NO_FATAL_FAILURE(Apply(one, json));
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parsed.error().message, StartsWith(one.error));
}

constexpr auto kDaily = "/series/daily";
const std::string kAggregate = std::string(kDaily) + "/aggregate";
const auto kNameOf = [](const auto& param) { return param.param.name; };

INSTANTIATE_TEST_SUITE_P(
    Aggregate, InvalidForecast,
    testing::Values(
        Mutation{"NoPeriod", kAggregate + "/period", "",
                 "$.series.daily.aggregate: missing key \"period\""},
        Mutation{
            "UnknownPeriod", kAggregate + "/period", R"("year")",
            "$.series.daily.aggregate.period: expected hour, half_hour, quarter_hour, day, week, "
            "month or quarter"},
        Mutation{"ADayThatIsNoPeriodsStart", kAggregate + "/week_starts", R"("sunday")",
                 "$.series.daily.aggregate.week_starts: only a week begins on a day of the week"},
        Mutation{"AnEndThatIsNoDate", kAggregate + "/until", R"("2024-03-18 12:00:00")",
                 "$.series.daily.aggregate.until: expected a date such as \"2024-12-31\", "
                 "\"today\", \"last_full\" or \"last_row\""},
        Mutation{
            "PlansUntilToday", "/series/plan/aggregate/until", R"("today")",
            "$.series.plan.aggregate.until: plans lie behind today: expected a date or last_row"},
        Mutation{
            "AgeOfKeysThatAllEndTogether", std::string(kDaily) + "/max_age", R"("2d")",
            "$.series.daily.max_age: every key has the newest period unless \"aggregate\" says "
            "\"to\": \"key\""},
        Mutation{"AKeyForASeriesWithout", std::string(kDaily) + "/key", "[]",
                 "$.forecast.key: series \"daily\" has 0 key column(s)"},
        Mutation{"StrictOnPeriods", "/features/0",
                 R"({"name": "f0", "op": "as_of", "series": "daily", "value": "y", "key": ["k"],
                     "strict": true})",
                 "$.features[0].strict: series \"daily\" has periods"},
        Mutation{"SkippingAtTheTarget", "/features/0",
                 R"({"name": "f0", "op": "as_of", "series": "holidays", "value": "holiday",
                     "key": ["k"], "at": "target", "skip_missing": true})",
                 "$.features[0].skip_missing: of plans at the target a missing value is one, too"},
        Mutation{"NoValues", kAggregate + "/values", "{}",
                 "$.series.daily.aggregate.values: expected at least one value"},
        Mutation{"UnknownOperator", kAggregate + "/values/y/op", R"("median")",
                 "$.series.daily.aggregate.values.y.op: expected one of sum, mean"},
        Mutation{"NoColumn", kAggregate + "/values", R"({"z": {"op": "sum"}})",
                 "$.series.daily.aggregate.values.z.column: no column \"z\""},
        Mutation{"UnknownColumn", kAggregate + "/values/y/column", R"("z")",
                 "$.series.daily.aggregate.values.y.column: no column \"z\""},
        Mutation{"AText", kAggregate + "/values/y/column", R"("k")",
                 "$.series.daily.aggregate.values.y.column: column \"k\" is text, expected int64"},
        Mutation{"ColumnOfACount", kAggregate + "/values/rows/column", R"("y")",
                 "$.series.daily.aggregate.values.rows.column: count reads no column"},
        Mutation{"UnknownEmpty", kAggregate + "/values/y/empty", R"("zero")",
                 "$.series.daily.aggregate.values.y.empty: expected a number, \"missing\" or"},
        Mutation{"CensoredByNoValue", kAggregate + "/values/y/censored", R"("stock")",
                 "$.series.daily.aggregate.values.y.censored: expected another of these"},
        Mutation{"CensoredByItself", kAggregate + "/values/y/censored", R"("y")",
                 "$.series.daily.aggregate.values.y.censored: expected another of these"},
        Mutation{"CensoredAndRepeated", kAggregate + "/values/price/censored", R"("rows")",
                 "$.series.daily.aggregate.values.price.censored: a value that repeats"},
        Mutation{"CensoredByWhatIsCensored", kAggregate + "/values",
                 R"({"y": {"op": "sum", "censored": "rows"}, "price": {"op": "last"},
                     "rows": {"op": "count", "censored": "y"}})",
                 "$.series.daily.aggregate.values.y.censored: \"rows\" is censored itself"},
        Mutation{"UnknownPartial", kAggregate + "/partial", R"("half")",
                 "$.series.daily.aggregate.partial: expected drop or keep"},
        Mutation{"UnknownBound", kAggregate + "/from", R"("first")",
                 "$.series.daily.aggregate.from: expected key or all"},
        Mutation{"ValuesBesideIt", "/series/daily/values", R"(["y"])",
                 "$.series.daily.values: beside \"aggregate\""},
        Mutation{"KnownAtBesideItAndKnownInAdvance", "/series/plan/known_at", R"("at")",
                 "$.series.plan.known_at: plans that are aggregated"},
        Mutation{"OfASeriesWithoutTime", "/series/keys/aggregate",
                 R"({"period": "day", "values": {"n": {"op": "count"}}})",
                 "$.series.keys.values: beside \"aggregate\""},
        Mutation{"DelayOfWhatIsKnownInAdvance", "/series/plan/delay", R"("1d")",
                 "$.series.plan.delay: what is known in advance has none"},
        Mutation{"KnownInAdvanceWithoutTime", "/series/keys/known_in_advance", "true",
                 "$.series.keys.known_in_advance: a series without time has none"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Forecast, InvalidForecast,
    testing::Values(Mutation{"OfASeriesWithoutPeriods", "/forecast/series", R"("holidays")",
                             "$.forecast.series: series \"holidays\" has no \"aggregate\""},
                    Mutation{"OfAnUnknownValue", "/forecast/value", R"("z")",
                             "$.forecast.value: no column \"z\" in the values of series \"daily\""},
                    Mutation{"OfAnotherKey", "/forecast/key", R"(["n"])",
                             "$.forecast.key[0]: field is int64, key column \"k\" is text"},
                    Mutation{"NoHorizon", "/forecast/horizon", "0",
                             "$.forecast.horizon: expected an integer from 1 to 1000"},
                    Mutation{"UnknownStrategy", "/forecast/strategy", R"("magic")",
                             "$.forecast.strategy: expected direct, shared, recursive or pooled"},
                    Mutation{"LeftOutWithFeaturesAtTheTarget", "/forecast", "",
                             "$.features[2].at: a pipeline without \"forecast\" has no target"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Features, InvalidForecast,
    testing::Values(
        Mutation{"NoPeriods", "/features/0/periods", "", "$.features[0]: missing key \"periods\""},
        Mutation{"LagOf0IsTheFuture", "/features/0/periods", "0",
                 "$.features[0].periods: expected an integer from 1 to 4096"},
        Mutation{"WindowOf0", "/features/1/window", "0",
                 "$.features[1].window: expected an integer from 1 to 4096"},
        Mutation{"MoreThanTheWindow", "/features/1/min_count", "29",
                 "$.features[1].min_count: expected an integer from 1 to 28"},
        Mutation{"UnknownStatistic", "/features/1/statistic", R"("mode")",
                 "$.features[1].statistic: expected mean, std"},
        Mutation{"LagOfASeriesWithoutPeriods", "/features/0/series", R"("holidays")",
                 "$.features[0].series: series \"holidays\" has no \"aggregate\""},
        Mutation{"TargetOfASeriesNotKnownInAdvance", "/features/0/at", R"("target")",
                 "$.features[0].at: series \"daily\" is not known in advance"},
        Mutation{"UnknownMoment", "/features/2/at", R"("tomorrow")",
                 "$.features[2].at: expected origin or target"},
        Mutation{"UntilInASeriesNotKnownInAdvance", "/features/3/series", R"("daily")",
                 "$.features[3].series: series \"daily\" is not known in advance"},
        Mutation{"MatchOnAHour", "/features/1/match/0", R"("hour")",
                 "$.features[1].match[0]: periods have no hour"},
        Mutation{"MatchOnNothing", "/features/1/match", "[]",
                 "$.features[1].match: expected at least one element"},
        Mutation{"MatchOnASeriesNotKnownInAdvance", "/features/1/match/1/series", R"("daily")",
                 "$.features[1].match[1].series: expected a series that is known in advance"},
        Mutation{"MatchOnPeriodsOfAnotherKind", "/features/1/series", R"("weekly")",
                 "$.features[1].match[1].series: expected a series that is known in advance and "
                 "aggregated by week, which begins on monday"},
        Mutation{"UnknownUnit", "/features/4/unit", R"("m")",
                 "$.features[4].unit: expected h or d"},
        Mutation{"TimeSinceANumber", "/features/4/value", R"("size")",
                 "$.features[4].value: expected a timestamp column"},
        Mutation{"ArithmeticOfAFeatureBehind", "/features/6/left", R"("f7")",
                 "$.features[6].left: no feature \"f7\" before this one"},
        Mutation{"ArithmeticOfItself", "/features/6/right", R"("f6")",
                 "$.features[6].right: no feature \"f6\" before this one"},
        Mutation{"UnknownKey", "/features/0/windw", "3", "$.features[0].windw: unknown key"}),
    kNameOf);

TEST(ForecastSpecTest, ArithmeticOfATextIsRefused) {
  auto json = Valid();
  auto feature = json["features"][6];
  feature["name"] = "odd";
  feature["left"] = "f7";
  json["features"].push_back(feature);
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().message,
            "$.features[8].left: feature \"f7\" is text, expected int64 or double");
}

TEST(ForecastSpecTest, TheLabelOfATableIsNeverAggregated) {
  auto json = Valid();
  json.erase("forecast");
  json["features"] =
      ordered_json::array({{{"name", "month"}, {"op", "calendar"}, {"part", "month"}}});
  json["training"] = {{"table", "sales"}, {"label", "y"}};
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().message,
            "$.series.daily.aggregate.values.y.column: \"y\" is the label: it can never be a "
            "feature");
}

TEST(ForecastSpecTest, AForecastHasNoLabelOfATable) {
  auto json = Valid();
  json["tables"]["other"] = {{"columns", {{"late", "bool"}}}};
  json["training"] = {{"table", "other"}, {"label", "late"}};
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, StartsWith("$.training.table: a forecast has no label"));
}

}  // namespace
}  // namespace forkcast::preprocessing
