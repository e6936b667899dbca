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
                                         GridCase{"TheDayOf25HoursIsOneDay",
                                                  Sales(),
                                                  {{"a", "2024-10-26T21:59:59Z", "1"},
                                                   {"a", "2024-10-26T22:00:00Z", "2"},
                                                   {"a", "2024-10-27T22:59:59Z", "4"},
                                                   {"a", "2024-10-27T23:00:00Z", "8"}},
                                                  "a 2024-10-26: 1 6 8",
                                                  "Europe/Berlin"}),
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
        RefusedCase{"AGridThatOneWrongDateMakesHuge", SalesWithin(GridBound::kAll, GridBound::kAll),
                    [] {
                      std::vector<RowTexts> rows{{"a", "0002-01-01", "1"}};
                      for (int i = 0; i < 200; ++i) {
                        rows.push_back({std::to_string(i), "2024-01-01", "1"});
                      }
                      return rows;
                    }(),
                    "the grid of 201 key(s) from 0002-01-01 to 2024-01-01 has more than"},
        RefusedCase{"ATimeAtTheEndOfTheCalendar",
                    Sales(),
                    {{"a", "9999-12-31", "1"}},
                    "shop=a: a time outside the years 1 to 9999"}),
    [](const auto& param) { return param.param.name; });

TEST(GridAggregatorTest, RefusesANumberThatIsNotFinite) {
  for (const double number :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const SeriesSpec spec = Sales();
    const TimeZone utc;
    GridAggregator aggregator(spec, utc);
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
