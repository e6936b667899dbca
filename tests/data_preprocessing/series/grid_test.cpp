#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>

#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;
using testing::HasSubstr;

/// Sales of shops, by day; rows are shop, at, sold.
SeriesSpec Sales(AggregateValue value = {.name = "sold",
                                         .op = AggregateOp::kSum,
                                         .column = "sold",
                                         .empty = EmptyIsMissing()}) {
  SeriesSpec spec{
      .name = "sales",
      .source = TableSource{"sales"},
      .source_schema = {{{.name = "shop", .type = ColumnType::kText},
                         {.name = "at", .type = ColumnType::kTimestamp},
                         {.name = "sold", .type = ColumnType::kDouble, .nullable = true}}},
      .key = {"shop"},
      .values = {},
      .time = "at",
      .known_at = {},
      .max_staleness = {},
      .when_stale = WhenStale::kServe};
  spec.aggregate = AggregateSpec{.period = Period::kDay, .values = {std::move(value)}};
  return spec;
}

SeriesSpec SalesBy(Period period, PartialPeriods partial = PartialPeriods::kDrop) {
  SeriesSpec spec = Sales();
  spec.aggregate->period = period;
  spec.aggregate->partial = partial;
  return spec;
}

SeriesSpec SalesWithin(GridBound from, GridBound to) {
  SeriesSpec spec = Sales();
  spec.aggregate->from = from;
  spec.aggregate->to = to;
  return spec;
}

SeriesSpec Counted() {
  SeriesSpec spec = Sales();
  spec.aggregate->values.insert(
      spec.aggregate->values.begin(),
      {.name = "rows", .op = AggregateOp::kCount, .column = {}, .empty = 0.0});
  return spec;
}

SeriesSpec With(AggregateOp op, EmptyRule empty = EmptyIsMissing()) {
  return Sales({.name = "sold", .op = op, .column = "sold", .empty = empty});
}

/// Sales that are hidden where a shelf was found empty; rows are shop, at, sold, empty_shelf.
SeriesSpec Censored(EmptyRule empty, EmptyRule of_shelf) {
  SeriesSpec spec = Sales({.name = "sold",
                           .op = AggregateOp::kSum,
                           .column = "sold",
                           .empty = empty,
                           .censored = "empty_shelf"});
  spec.source_schema.columns.push_back(
      {.name = "empty_shelf", .type = ColumnType::kDouble, .nullable = true});
  spec.aggregate->values.push_back(
      {.name = "empty_shelf", .op = AggregateOp::kMax, .column = "empty_shelf", .empty = of_shelf});
  return spec;
}

/// "a 2024-01-01: 1 - 3; b ...": of each key its first period and the values of all.
std::string ShowGrid(const SeriesSpec& spec, const Snapshot& snapshot, const TimeZone& zone) {
  const GridReader grid(spec, snapshot, zone);
  std::string shown;
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    const Instant first(FirstDayOf(grid.FirstPeriod(key), spec.aggregate->period));
    shown += (shown.empty() ? "" : "; ") +
             std::string(std::get<std::string_view>(grid.KeyValues(key)[0])) + " " +
             Show(Value(first)).substr(0, 10) + ":";
    for (const double value : grid.Values(key, 0)) {
      shown += " " + Show(value == value ? Value(value) : Value());
    }
  }
  return shown;
}

struct GridCase {
  std::string name;
  SeriesSpec spec;
  std::vector<RowTexts> rows;
  std::string grid;
  std::string zone = "UTC";
};

void PrintTo(const GridCase& one, std::ostream* out) { *out << one.name; }

class GridTest : public testing::TestWithParam<GridCase> {
 protected:
  const TempFolder folder_;
};

TEST_P(GridTest, HasOneValueAPeriod) {
  const GridCase& one = GetParam();
  const TimeZone zone = TimeZone::Load(one.zone).value();
  const Snapshot snapshot =
      PublishAndOpen(one.spec, RowsOf(one.spec, one.rows, zone), folder_, zone);
  EXPECT_EQ(ShowGrid(one.spec, snapshot, zone), one.grid);
}

const std::vector<RowTexts> kThreeDays{{"a", "2024-01-01 10:00:00", "3"},
                                       {"a", "2024-01-03 12:00:00", "1"},
                                       {"a", "2024-01-01 09:00:00", "5"},
                                       {"a", "2024-01-03 11:00:00", "2"},
                                       {"a", "2024-01-03 12:00:00", "9"}};
const std::vector<RowTexts> kMissingValues{
    {"a", "2024-01-01", "3"}, {"a", "2024-01-01", "-"}, {"a", "2024-01-02", "-"}};
const std::vector<RowTexts> kTwoShops{{"b", "2024-01-02", "2"},
                                      {"a", "2024-01-01", "1"},
                                      {"b", "2024-01-03", "3"},
                                      {"a", "2024-01-04", "4"}};
/// From the Wednesday of one week to the Tuesday of the next but one.
const std::vector<RowTexts> kThreeWeeks{
    {"a", "2024-01-03", "1"}, {"a", "2024-01-08", "2"}, {"a", "2024-01-16", "4"}};
/// A Monday to a Sunday: both weeks are full.
const std::vector<RowTexts> kTwoFullWeeks{{"a", "2024-01-01", "1"}, {"a", "2024-01-14", "2"}};

INSTANTIATE_TEST_SUITE_P(
    Operators, GridTest,
    testing::Values(
        GridCase{"Sum", With(AggregateOp::kSum), kThreeDays, "a 2024-01-01: 8 - 12"},
        GridCase{"Mean", With(AggregateOp::kMean), kThreeDays, "a 2024-01-01: 4 - 4"},
        GridCase{"Min", With(AggregateOp::kMin), kThreeDays, "a 2024-01-01: 3 - 1"},
        GridCase{"Max", With(AggregateOp::kMax), kThreeDays, "a 2024-01-01: 5 - 9"},
        GridCase{"FirstIsOfTheEarliestTime", With(AggregateOp::kFirst), kThreeDays,
                 "a 2024-01-01: 5 - 2"},
        GridCase{"LastOfEqualTimesIsTheOneIngestedLast", With(AggregateOp::kLast), kThreeDays,
                 "a 2024-01-01: 3 - 9"},
        GridCase{"CountIsOfRowsAnd0WithoutAny", Counted(), kThreeDays, "a 2024-01-01: 2 0 3"},
        GridCase{"CountCountsRowsWithoutAValue", Counted(), kMissingValues, "a 2024-01-01: 2 1"},
        GridCase{"SumLeavesMissingValuesOut", With(AggregateOp::kSum), kMissingValues,
                 "a 2024-01-01: 3 -"},
        GridCase{"LastLeavesMissingValuesOut", With(AggregateOp::kLast), kMissingValues,
                 "a 2024-01-01: 3 -"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    EmptyPeriods, GridTest,
    testing::Values(GridCase{"HoldANumber", With(AggregateOp::kSum, 0.0), kThreeDays,
                             "a 2024-01-01: 8 0 12"},
                    GridCase{"HoldTheLastValueBefore", With(AggregateOp::kMean, EmptyIsPrevious()),
                             kThreeDays, "a 2024-01-01: 4 4 4"},
                    GridCase{"HoldNothingBeforeTheFirstValue",
                             With(AggregateOp::kSum, EmptyIsPrevious()),
                             {{"a", "2024-01-01", "-"}, {"a", "2024-01-02", "7"}},
                             "a 2024-01-01: - 7"},
                    GridCase{"DoNotTakeTheValueOfAnotherKey",
                             With(AggregateOp::kSum, EmptyIsPrevious()),
                             {{"a", "2024-01-01", "7"}, {"b", "2024-01-01", "-"}},
                             "a 2024-01-01: 7; b 2024-01-01: -"}),
    [](const auto& param) { return param.param.name; });

/// Four days: sold, sold while the shelf ran empty, nothing while it stayed empty, sold.
const std::vector<RowTexts> kEmptyShelf{{"a", "2024-01-01", "8", "-"},
                                        {"a", "2024-01-02", "3", "-"},
                                        {"a", "2024-01-02", "-", "1"},
                                        {"a", "2024-01-03", "-", "1"},
                                        {"a", "2024-01-05", "2", "0"}};

INSTANTIATE_TEST_SUITE_P(
    CensoredPeriods, GridTest,
    testing::Values(GridCase{"AreMissingWhateverWasSoldInThem", Censored(0.0, 0.0), kEmptyShelf,
                             "a 2024-01-01: 8 - - 0 2"},
                    GridCase{"AreThoseOfANumberOtherThan0", Censored(0.0, EmptyIsMissing()),
                             kEmptyShelf, "a 2024-01-01: 8 - - 0 2"},
                    GridCase{"LastAsLongAsWhatHidesThem", Censored(0.0, EmptyIsPrevious()),
                             kEmptyShelf, "a 2024-01-01: 8 - - - 2"},
                    GridCase{"AreThoseOfTheirKeyAlone",
                             Censored(0.0, 0.0),
                             {{"a", "2024-01-01", "1", "1"}, {"b", "2024-01-01", "2", "0"}},
                             "a 2024-01-01: -; b 2024-01-01: 2"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Bounds, GridTest,
    testing::Values(GridCase{"FromItsOwnFirstToTheLastOfAll",
                             SalesWithin(GridBound::kKey, GridBound::kAll), kTwoShops,
                             "b 2024-01-02: 2 3 -; a 2024-01-01: 1 - - 4"},
                    GridCase{"OfItsOwn", SalesWithin(GridBound::kKey, GridBound::kKey), kTwoShops,
                             "b 2024-01-02: 2 3; a 2024-01-01: 1 - - 4"},
                    GridCase{"OfAll", SalesWithin(GridBound::kAll, GridBound::kAll), kTwoShops,
                             "b 2024-01-01: - 2 3 -; a 2024-01-01: 1 - - 4"},
                    GridCase{"FromTheFirstOfAllToItsOwnLast",
                             SalesWithin(GridBound::kAll, GridBound::kKey), kTwoShops,
                             "b 2024-01-01: - 2 3; a 2024-01-01: 1 - - 4"},
                    GridCase{"WithoutRowsThereIsNoKey", Sales(), {}, ""}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    PartialPeriods, GridTest,
    testing::Values(
        GridCase{"AreDropped", SalesBy(Period::kWeek), kThreeWeeks, "a 2024-01-08: 2"},
        GridCase{"AreKept", SalesBy(Period::kWeek, PartialPeriods::kKeep), kThreeWeeks,
                 "a 2024-01-01: 1 2 4"},
        GridCase{"AreNoneWhereTheDataFillThem", SalesBy(Period::kWeek), kTwoFullWeeks,
                 "a 2024-01-01: 1 2"},
        GridCase{"MayBeAllThereIs", SalesBy(Period::kWeek), {{"a", "2024-01-03", "1"}}, ""},
        GridCase{"AreTheWholeDatasNotAKeys",
                 SalesBy(Period::kWeek),
                 {{"a", "2024-01-01", "1"}, {"b", "2024-01-10", "5"}, {"a", "2024-01-14", "2"}},
                 "a 2024-01-01: 1 2; b 2024-01-08: 5"},
        GridCase{"LeaveAKeyThatHasNoOther",
                 SalesBy(Period::kWeek),
                 {{"late", "2024-01-16", "5"}, {"a", "2024-01-01", "1"}},
                 "a 2024-01-01: 1 -"},
        GridCase{"OfMonths",
                 SalesBy(Period::kMonth),
                 {{"a", "2024-01-31", "1"}, {"a", "2024-02-29", "2"}, {"a", "2024-03-31", "4"}},
                 "a 2024-02-01: 2 4"},
        GridCase{"OfQuarters",
                 SalesBy(Period::kQuarter),
                 {{"a", "2023-10-01", "1"}, {"a", "2024-03-31", "2"}, {"a", "2024-04-01", "4"}},
                 "a 2023-10-01: 1 2"},
        GridCase{"OfWeeksFromSunday",
                 SalesBy(Period::kWeekFromSunday),
                 {{"a", "2024-01-07", "1"}, {"a", "2024-01-13", "2"}, {"a", "2024-01-14", "4"}},
                 "a 2024-01-07: 3"},
        GridCase{"Week53IsOneWeekAcrossTheYears",
                 SalesBy(Period::kWeek, PartialPeriods::kKeep),
                 {{"a", "2020-12-31", "1"}, {"a", "2021-01-03", "2"}, {"a", "2021-01-04", "4"}},
                 "a 2020-12-28: 3 4"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(Zones, GridTest,
                         testing::Values(GridCase{"ADayIsThatOfThePipelinesZone",
                                                  Sales(),
                                                  {{"a", "2024-01-01T22:59:59Z", "1"},
                                                   {"a", "2024-01-01T23:00:00Z", "2"}},
                                                  "a 2024-01-01: 1 2",
                                                  "Europe/Berlin"},
                                         GridCase{"TheDayOf23HoursIsOneDay",
                                                  Sales(),
                                                  {{"a", "2024-03-30 23:59:59", "1"},
                                                   {"a", "2024-03-31 00:00:00", "2"},
                                                   {"a", "2024-03-31 23:59:59", "4"},
                                                   {"a", "2024-04-01 00:00:00", "8"}},
                                                  "a 2024-03-30: 1 6 8",
                                                  "Europe/Berlin"},
                                         GridCase{"ADayWithoutMidnightIsOneDay",
                                                  Sales(),
                                                  {{"a", "2022-09-10", "1"},
                                                   {"a", "2022-09-10 23:59:59", "2"},
                                                   {"a", "2022-09-11", "4"},
                                                   {"a", "2022-09-11 01:00:00", "8"},
                                                   {"a", "2022-09-12", "16"}},
                                                  "a 2022-09-10: 3 12 16",
                                                  "America/Santiago"},
                                         GridCase{"TheDayOf25HoursHas25",
                                                  SalesBy(Period::kHour),
                                                  {{"a", "2024-10-27T00:30:00Z", "1"},
                                                   {"a", "2024-10-27T01:30:00Z", "2"},
                                                   {"a", "2024-10-27T03:59:59Z", "4"}},
                                                  "a 2024-10-27: 1 2 - 4",
                                                  "Europe/Berlin"},
                                         GridCase{"TheDayOf25HoursIsOneDay",
                                                  Sales(),
                                                  {{"a", "2024-10-26T21:59:59Z", "1"},
                                                   {"a", "2024-10-26T22:00:00Z", "2"},
                                                   {"a", "2024-10-27T22:59:59Z", "4"},
                                                   {"a", "2024-10-27T23:00:00Z", "8"}},
                                                  "a 2024-10-26: 1 6 8",
                                                  "Europe/Berlin"}),
                         [](const auto& param) { return param.param.name; });

// ---- where the data end ----

SeriesSpec EndingWith(GridEnd until, SeriesSpec spec = Sales()) {
  spec.aggregate->until = until;
  return spec;
}

SeriesSpec EndingOn(std::string_view day) {
  SeriesSpec spec = EndingWith(GridEnd::kDay);
  spec.aggregate->until_day = std::chrono::floor<days>(At(day));
  return spec;
}

SeriesSpec PlansBy(Period period) {
  SeriesSpec spec = SalesBy(period, PartialPeriods::kKeep);
  spec.known_in_advance = true;
  return spec;
}

/// Ten days of twelve shops, and what follows them.
std::vector<RowTexts> TwelveShops(std::vector<RowTexts> later) {
  std::vector<RowTexts> rows;
  for (int week = 0; week < 10; ++week) {
    for (char shop = 'a'; shop < 'a' + 12; ++shop) {
      std::string day;
      AppendIsoTimestamp(At("2024-01-01") + days(7 * week), day);
      rows.push_back({std::string(1, shop), day, "1"});
    }
  }
  rows.insert(rows.end(), later.begin(), later.end());
  return rows;
}

struct EndCase {
  std::string name;
  SeriesSpec spec;
  std::vector<RowTexts> rows;
  std::string last;      // period of any key
  std::string left_out;  // how the note begins
  bool is_told = false;  // to whoever learns from the snapshot
};

void PrintTo(const EndCase& one, std::ostream* out) { *out << one.name; }

class GridEndTest : public testing::TestWithParam<EndCase> {
 protected:
  const TempFolder folder_;
};

/// It is the 20th of March 2024, a Wednesday.
TEST_P(GridEndTest, IsWhereTheDeclarationSays) {
  const EndCase& one = GetParam();
  const TimeZone utc;
  SnapshotBuilder builder(one.spec, utc, At("2024-03-20 12:00:00"));
  ASSERT_TRUE(builder.Add(RowsOf(one.spec, one.rows)));
  const Result<SnapshotReport> report = builder.Publish(folder_.path() / "s.snapshot");
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_THAT(report->left_out, testing::StartsWith(one.left_out));
  EXPECT_EQ(report->left_out.empty(), one.left_out.empty());
  const Snapshot snapshot = OpenVerified(one.spec, folder_.path() / "s.snapshot");
  EXPECT_EQ(snapshot.left_out(), one.is_told ? report->left_out : "");
  const auto all = GridReader(one.spec, snapshot, utc).AllPeriods();
  EXPECT_EQ(all ? DateText(FirstDayOf(all->last, one.spec.aggregate->period)) : "none", one.last);
}

const std::vector<RowTexts> kOneShopsNews{{"c", "2024-03-11", "1"}};
const std::vector<RowTexts> kPreOrder{{"c", "2024-03-18", "1"}, {"c", "2024-06-10", "1"}};
const std::string kThin =
    "1 row (the first of shop=c) from the day of 2024-03-11 on is of too few keys (1 of 12) for "
    "the "
    "others to have had nothing";
const std::string kAfterToday =
    "1 row from 2024-06-10T00:00:00Z to 2024-06-10T00:00:00Z (the first of shop=c) lies after "
    "today";
const std::vector<RowTexts> kFewDays{
    {"a", "2024-03-18", "1"}, {"a", "2024-03-20", "2"}, {"a", "2024-03-21", "3"}};

INSTANTIATE_TEST_SUITE_P(
    Cases, GridEndTest,
    testing::Values(
        EndCase{"RegularDataEndWithTheirLastRow", Sales(), TwelveShops({}), "2024-03-04", ""},
        EndCase{"OneShopsNewsMakeNoZerosForTheOthers", Sales(), TwelveShops(kOneShopsNews),
                "2024-03-04", kThin + ". Correct such rows", true},
        EndCase{"WhereThatIsDeclaredNobodyMustHearOfIt", EndingWith(GridEnd::kLastFull),
                TwelveShops(kOneShopsNews), "2024-03-04", kThin},
        EndCase{"WhoSaysLastRowGetsIt", EndingWith(GridEnd::kLastRow), TwelveShops(kOneShopsNews),
                "2024-03-11", ""},
        EndCase{"AKeysOwnEndMakesNothingForOthers", SalesWithin(GridBound::kKey, GridBound::kKey),
                TwelveShops(kOneShopsNews), "2024-03-11", ""},
        EndCase{"APreOrderLiesAfterToday", SalesWithin(GridBound::kKey, GridBound::kKey),
                TwelveShops(kPreOrder), "2024-03-18", kAfterToday + ". Correct such rows", true},
        EndCase{"BothAreSaid", Sales(), TwelveShops(kPreOrder), "2024-03-04",
                kAfterToday + "; 1 row (the first of shop=c) from the day of 2024-03-18", true},
        EndCase{
            "ADateInTheFarFutureIsNoPeriod",
            Sales(),
            {{"a", "2024-03-18", "1"}, {"a", "9999-12-31", "1"}, {"a", "2204-01-03", "1"}},
            "2024-03-18",
            "2 rows from 2204-01-03T00:00:00Z to 9999-12-31T00:00:00Z (the first of shop=a) lie "
            "after today",
            true},
        EndCase{"ADayThatHasBegunCounts", Sales(), kFewDays, "2024-03-20",
                "1 row from 2024-03-21T00:00:00Z", true},
        EndCase{"UntilTodayItMustHaveEnded", EndingWith(GridEnd::kToday), kFewDays, "2024-03-18",
                "2 rows from 2024-03-20T00:00:00Z to 2024-03-21T00:00:00Z"},
        EndCase{
            "UntilADayTakesThatDay", EndingOn("2024-03-18"), kFewDays, "2024-03-18",
            "2 rows from 2024-03-20T00:00:00Z to 2024-03-21T00:00:00Z (the first of shop=a) lie "
            "after 2024-03-18"},
        EndCase{"PlansLieAfterToday", PlansBy(Period::kDay), kFewDays, "2024-03-21", ""},
        EndCase{"TheWeekThatHasBegunIsDroppedAsEver", SalesBy(Period::kWeek),
                TwelveShops({{"b", "2024-03-10", "1"}, {"c", "2024-03-11", "1"}}), "2024-03-04",
                ""},
        EndCase{"AWeekFarBehindIsNot", SalesBy(Period::kWeek),
                TwelveShops({{"b", "2024-03-10", "1"}, {"c", "2024-03-18", "1"}}), "2024-03-04",
                "1 row (the first of shop=c) from the week of 2024-03-18 on", true},
        EndCase{
            "RowsThatFillNoPeriodAreNamed",
            SalesBy(Period::kWeek),
            {{"a", "2024-03-06", "1"}, {"a", "2024-03-13", "1"}},
            "none",
            "all 2 rows, from 2024-03-06 to 2024-03-13, lie in the first or the last week, which "
            "they do not fill: \"partial\": \"keep\" counts such",
            true}),
    [](const auto& param) { return param.param.name; });

class GridReaderTest : public testing::Test {
 protected:
  Snapshot Open(const SeriesSpec& spec, const std::vector<RowTexts>& rows) {
    return PublishAndOpen(spec, RowsOf(spec, rows), folder_);
  }
  const TempFolder folder_;
  const TimeZone utc_;
};

TEST_F(GridReaderTest, AddressesAValueByKeyAndPeriod) {
  const SeriesSpec spec = Sales();
  const Snapshot snapshot = Open(spec, kTwoShops);
  const GridReader grid(spec, snapshot, utc_);
  const Value wanted[] = {std::string_view("b")};
  const auto b = grid.FindKey(wanted);
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(Show(grid.KeyValues(*b)[0]), "'b'");
  EXPECT_EQ(grid.PeriodCount(*b), 3U);
  const PeriodIndex second = grid.PeriodOf(At("2024-01-02 23:59:59"));
  EXPECT_EQ(grid.FirstPeriod(*b), second);
  EXPECT_EQ(grid.LastPeriod(*b), second + 2);
  EXPECT_EQ(grid.ValueIn(*b, 0, second + 1), 3);
  for (const PeriodIndex outside : {second - 1, second + 2, second + 3}) {
    EXPECT_TRUE(std::isnan(grid.ValueIn(*b, 0, outside)));
  }
  EXPECT_EQ(grid.StartOf(second), At("2024-01-02"));
  EXPECT_EQ(grid.AllPeriods(), (GridReader::Range{.first = second - 1, .last = second + 2}));
  const Value unknown[] = {std::string_view("z")};
  EXPECT_EQ(grid.FindKey(unknown), std::nullopt);
}

TEST_F(GridReaderTest, APeriodIsVisibleWhenItHasEndedAndTheDelayIsOver) {
  SeriesSpec spec = SalesBy(Period::kWeek);
  spec.delay = std::chrono::hours(6);
  const Snapshot snapshot = Open(spec, kTwoFullWeeks);
  const GridReader grid(spec, snapshot, utc_);
  EXPECT_EQ(grid.VisibleFrom(grid.FirstPeriod(0)), At("2024-01-08 06:00:00"));
  EXPECT_EQ(grid.watermark(), At("2024-01-15 06:00:00"));
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-01-08 05:59:59.999999")), "none");
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-01-08 06:00:00")), "1");
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-01-15 06:00:00")), "2");
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2030-01-01")), "2");
}

TEST_F(GridReaderTest, HasNoPeriodsWithoutRows) {
  const SeriesSpec spec = Sales();
  const Snapshot snapshot = Open(spec, {});
  const GridReader grid(spec, snapshot, utc_);
  EXPECT_EQ(grid.key_count(), 0U);
  EXPECT_EQ(grid.AllPeriods(), std::nullopt);
  EXPECT_EQ(grid.watermark(), std::nullopt);
}

TEST_F(GridReaderTest, ASeriesWithoutKeyHasOneGrid) {
  SeriesSpec spec = Sales();
  spec.key.clear();
  const Snapshot snapshot = Open(spec, {{"2024-01-01", "1"}, {"2024-01-03", "2"}});
  const GridReader grid(spec, snapshot, utc_);
  ASSERT_EQ(grid.key_count(), 1U);
  EXPECT_EQ(grid.FindKey({}), 0U);
  EXPECT_EQ(grid.PeriodCount(0), 3U);
  EXPECT_EQ(grid.ValueIn(0, 0, grid.LastPeriod(0)), 2);
}

TEST_F(GridReaderTest, GivesBackKeysOfEveryType) {
  SeriesSpec spec = Sales();
  spec.source_schema.columns.push_back({.name = "number", .type = ColumnType::kInt64});
  spec.source_schema.columns.push_back({.name = "flag", .type = ColumnType::kBool});
  spec.source_schema.columns.push_back({.name = "since", .type = ColumnType::kTimestamp});
  spec.key = {"number", "shop", "flag", "since"};
  const std::vector<RowTexts> rows{{"-7", "", "true", "2020-02-03", "2024-01-01", "1"},
                                   {"7", "a;b", "false", "1969-02-03", "2024-01-01", "1"}};
  const Snapshot snapshot = Open(spec, rows);
  const GridReader grid(spec, snapshot, utc_);
  std::vector<std::string> keys;
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    keys.push_back(KeyText(spec.key, grid.KeyValues(key)));
    EXPECT_EQ(grid.FindKey(grid.KeyValues(key)), key);
  }
  EXPECT_THAT(keys,
              testing::ElementsAre("number=-7, shop=, flag=true, since=2020-02-03T00:00:00Z",
                                   "number=7, shop=a;b, flag=false, since=1969-02-03T00:00:00Z"));
}

SeriesSpec HugeIfAsked() {
  SeriesSpec spec = SalesWithin(GridBound::kAll, GridBound::kAll);
  spec.aggregate->until = GridEnd::kLastRow;
  return spec;
}

struct RefusedCase {
  std::string name;
  SeriesSpec spec;
  std::vector<RowTexts> rows;
  std::string message;
};

void PrintTo(const RefusedCase& one, std::ostream* out) { *out << one.name; }

class RefusedGridTest : public testing::TestWithParam<RefusedCase> {
 protected:
  const TempFolder folder_;
};

TEST_P(RefusedGridTest, NamesKeyAndPeriodAndLeavesNoFile) {
  const RefusedCase& one = GetParam();
  const TimeZone utc;
  SnapshotBuilder builder(one.spec, utc);
  const Status added = builder.Add(RowsOf(one.spec, one.rows));
  const Result<SnapshotReport> report =
      added ? builder.Publish(folder_.path() / "s.snapshot") : added.error();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kRefusedData);
  EXPECT_THAT(report.error().message, HasSubstr(one.message));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedGridTest,
    testing::Values(
        RefusedCase{"TwoRowsWhereOneWasDeclared",
                    With(AggregateOp::kOnly),
                    {{"a", "2024-01-01", "1"}, {"a", "2024-01-02", "1"}, {"a", "2024-01-02", "1"}},
                    "shop=a, day of 2024-01-02: two rows with \"sold\", expected one"},
        RefusedCase{"ASumBeyondADouble",
                    With(AggregateOp::kSum),
                    {{"a", "2024-01-01", "1.7e308"}, {"a", "2024-01-01", "1.7e308"}},
                    "shop=a, day of 2024-01-01: the sum of \"sold\" is too large for a double"},
        RefusedCase{"AGridThatOneWrongDateMakesHuge", HugeIfAsked(),
                    [] {
                      std::vector<RowTexts> rows{{"a", "0002-01-01", "1"}};
                      for (int i = 0; i < 200; ++i) {
                        rows.push_back({std::to_string(i), "2024-01-01", "1"});
                      }
                      return rows;
                    }(),
                    "the grid of 201 key(s) from 0002-01-01 to 2024-01-01 has more than"},
        RefusedCase{
            "ATimeAtTheEndOfTheCalendar",
            Sales(),
            {{"a", "9999-12-31", "1"}},
            "shop=a: \"at\" is 9999-12-31T00:00:00Z, and no day can begin or end there: if it "
            "stands for \"no end\", leave such rows out with a query or by \"until\""},
        RefusedCase{
            "ADateLongBeforeAllOthers",
            Sales(),
            {{"a", "2023-05-01", "1"}, {"a", "2023-05-02", "1"}, {"b", "1900-01-01", "1"}},
            "no row of any key lies in the 45044 periods before the day of 2023-05-01, more than "
            "all others together: is the time of the 1 row before it wrong (shop=b, day of "
            "1900-01-01)? Correct it, leave it out with a query, or count it all the same with "
            "\"until\": \"last_row\""},
        RefusedCase{
            "ADateLongAfterAllOthers",
            SalesBy(Period::kWeek),
            {{"a", "2023-05-01", "1"}, {"a", "2023-05-08", "1"}, {"b", "2204-01-03", "1"}},
            "no row of any key lies in the 9425 periods before the week of 2204-01-02, more than "
            "all others together: is the time of the 1 row behind it wrong (shop=b, week of "
            "2204-01-02)? Correct it, leave it out with a query or \"until\": a date, or"}),
    [](const auto& param) { return param.param.name; });

TEST(GridAggregatorTest, RefusesANumberThatIsNotFinite) {
  for (const double number :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const SeriesSpec spec = Sales();
    const TimeZone utc;
    GridAggregator aggregator(spec, utc, std::nullopt);
    Table rows(spec.ReadSchema());
    rows.column(0).AppendText("a");
    rows.column(1).AppendTimestamp(At("2024-01-02"));
    rows.column(2).AppendDouble(number);
    const Status added = aggregator.Add(rows);
    ASSERT_FALSE(added.ok());
    EXPECT_EQ(added.error().message, "shop=a, day of 2024-01-02: \"sold\" is not a finite number");
  }
}

TEST(GridDefinition, ChangesWithEverythingThatDecidesTheGrid) {
  const std::vector<SeriesSpec> specs{Sales(),
                                      SalesBy(Period::kWeek),
                                      SalesBy(Period::kDay, PartialPeriods::kKeep),
                                      SalesWithin(GridBound::kAll, GridBound::kAll),
                                      SalesWithin(GridBound::kKey, GridBound::kKey),
                                      With(AggregateOp::kMean),
                                      With(AggregateOp::kSum, 0.0),
                                      With(AggregateOp::kSum, 1.0),
                                      With(AggregateOp::kSum, EmptyIsPrevious()),
                                      SalesBy(Period::kQuarter),
                                      SalesBy(Period::kWeekFromSunday),
                                      SalesBy(Period::kHour),
                                      SalesBy(Period::kQuarterHour),
                                      EndingWith(GridEnd::kToday),
                                      EndingWith(GridEnd::kLastFull),
                                      EndingWith(GridEnd::kLastRow),
                                      EndingOn("2024-03-18"),
                                      EndingOn("2024-03-19"),
                                      Counted()};
  std::vector<std::string> definitions;
  for (const SeriesSpec& spec : specs) definitions.push_back(DefinitionInUtc(spec));
  std::ranges::sort(definitions);
  EXPECT_EQ(std::ranges::adjacent_find(definitions), definitions.end());
}

/// Batches are how the store happens to be read.
TEST(GridProperty, DoesNotDependOnHowRowsAreBatched) {
  const TempFolder folder;
  const TimeZone utc;
  std::mt19937_64 random(3);
  SeriesSpec spec = Sales();
  spec.aggregate->values.push_back(
      {.name = "last", .op = AggregateOp::kLast, .column = "sold", .empty = EmptyIsPrevious()});
  std::vector<RowTexts> rows;
  for (int i = 0; i < 300; ++i) {
    rows.push_back({std::string(1, static_cast<char>('a' + random() % 5)),
                    "2024-01-" + std::to_string(10 + random() % 20),
                    random() % 7 == 0 ? "-" : std::to_string(random() % 1000) + ".1"});
  }
  Publish(spec, RowsOf(spec, rows), folder.path() / "whole");
  SnapshotBuilder builder(spec, utc);
  for (std::size_t begin = 0; begin < rows.size();) {
    const std::size_t end = std::min(rows.size(), begin + random() % 40);
    ASSERT_TRUE(builder.Add(RowsOf(spec, {rows.begin() + static_cast<std::ptrdiff_t>(begin),
                                          rows.begin() + static_cast<std::ptrdiff_t>(end)})));
    begin = end;
  }
  ASSERT_TRUE(builder.Publish(folder.path() / "batches"));
  EXPECT_EQ(ReadWhole(folder.path() / "whole"), ReadWhole(folder.path() / "batches"));
}

// ---- plans ----

/// Prices planned at `known` for `at`; rows are sku, at, known, level.
SeriesSpec Plans() {
  SeriesSpec spec = LevelsWithKnownAt();
  spec.known_in_advance = true;
  return spec;
}

TEST(PlannedTest, IsTheNewestRowUpToTheTargetThatWasKnownAtTheOrigin) {
  const TempFolder folder;
  const SeriesSpec spec = Plans();
  const Snapshot snapshot = PublishAndOpen(spec,
                                           RowsOf(spec, {{"a", "2024-02-01", "2024-01-01", "10"},
                                                         {"a", "2024-03-01", "2024-01-05", "20"},
                                                         {"a", "2024-03-01", "2024-01-20", "25"},
                                                         {"a", "2024-04-01", "2024-03-15", "30"}}),
                                           folder);
  const auto planned = [&snapshot](const char* origin, const char* target) {
    const auto row = snapshot.Planned(*snapshot.Find("a"), At(origin), At(target));
    return row ? Show(snapshot.ValueAt(0, *row)) : "none";
  };
  EXPECT_EQ(planned("2024-01-10", "2024-01-31"), "none");
  EXPECT_EQ(planned("2024-01-10", "2024-02-01"), "10");
  EXPECT_EQ(planned("2024-01-10", "2024-03-01"), "20");
  EXPECT_EQ(planned("2024-01-20", "2024-03-01"), "25");
  EXPECT_EQ(planned("2024-01-04", "2024-03-01"), "10") << "the plan for March was not made";
  EXPECT_EQ(planned("2024-01-20", "2024-05-01"), "25") << "nor was the one for April";
  EXPECT_EQ(planned("2023-12-31", "2024-05-01"), "none");
  // As of an instant it reads as any series does.
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-02-29")), "10");
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-03-02")), "25");
}

}  // namespace
}  // namespace forkcast::preprocessing
