#include <gtest/gtest.h>

#include <chrono>
#include <ostream>

#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;

struct Question {
  std::string key;
  std::string time;
  std::string answer;
};

struct AsOfCase {
  std::string name;
  SeriesSpec spec;
  std::vector<RowTexts> rows;
  std::vector<Question> questions;
};

void PrintTo(const AsOfCase& one, std::ostream* out) { *out << one.name; }

class AsOfTest : public testing::TestWithParam<AsOfCase> {};

TEST_P(AsOfTest, AnswersEveryQuestion) {
  const TempFolder folder;
  const SeriesSpec& spec = GetParam().spec;
  const Snapshot snapshot = PublishAndOpen(spec, RowsOf(spec, GetParam().rows), folder);
  for (const Question& question : GetParam().questions) {
    EXPECT_EQ(ValueAsOf(snapshot, question.key, At(question.time)), question.answer)
        << question.key << " at " << question.time;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AsOfTest,
    testing::Values(
        AsOfCase{"ARowIsVisibleFromItsOwnInstantOn",
                 Levels(),
                 {{"a", "2024-01-02", "5"}},
                 {{"a", "2024-01-01 23:59:59.999999", "none"},
                  {"a", "2024-01-02", "5"},
                  {"a", "2024-01-02 00:00:00.000001", "5"},
                  {"a", "9999-12-31", "5"}}},
        AsOfCase{"TheNewestVisibleRowIsInForceWhateverTheOrderOfIngestion",
                 Levels(),
                 {{"a", "2024-01-03", "3"}, {"a", "2024-01-01", "1"}, {"a", "2024-01-02", "2"}},
                 {{"a", "2024-01-01", "1"},
                  {"a", "2024-01-02 12:00:00", "2"},
                  {"a", "2024-01-03", "3"}}},
        AsOfCase{"OfEqualKeyAndTimeTheRowIngestedLastWins",
                 Levels(),
                 {{"a", "2024-01-02", "9"}, {"b", "2024-01-02", "1"}, {"a", "2024-01-02", "4"}},
                 {{"a", "2024-01-02", "4"}, {"b", "2024-01-02", "1"}}},
        AsOfCase{"KeysDoNotMix",
                 Levels(),
                 {{"00123", "2024-01-01", "1"}, {"123", "2024-01-02", "2"}},
                 {{"00123", "2024-01-03", "1"},
                  {"123", "2024-01-01", "none"},
                  {"0123", "2024-01-03", "none"},
                  {"", "2024-01-03", "none"}}},
        AsOfCase{"AnEmptyTextIsAKeyLikeAnyOther",
                 Levels(),
                 {{"", "2024-01-01", "7"}},
                 {{"", "2024-01-01", "7"}, {"a", "2024-01-01", "none"}}},
        AsOfCase{"ADelayedRowIsVisibleFromTimePlusDelayOn",
                 LevelsKnownLater(days(2)),
                 {{"a", "2024-01-01", "1"}, {"a", "2024-01-02", "2"}},
                 {{"a", "2024-01-02 23:59:59.999999", "none"},
                  {"a", "2024-01-03", "1"},
                  {"a", "2024-01-03 23:59:59.999999", "1"},
                  {"a", "2024-01-04", "2"}}},
        AsOfCase{"ARowIsVisibleFromWhenItWasKnownOn",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-01", "2024-01-05", "1"}},
                 {{"a", "2024-01-01", "none"},
                  {"a", "2024-01-04 23:59:59.999999", "none"},
                  {"a", "2024-01-05", "1"}}},
        AsOfCase{"ARowKnownBeforehandSaysNothingBeforeItsTime",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-01", "2024-01-01", "1"}, {"a", "2024-01-10", "2024-01-02", "2"}},
                 {{"a", "2024-01-02", "1"},
                  {"a", "2024-01-09 23:59:59.999999", "1"},
                  {"a", "2024-01-10", "2"}}},
        AsOfCase{"ALateRowOfAnEarlierTimeDoesNotTakeTheNewerOnesPlace",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-02", "2024-01-02", "2"}, {"a", "2024-01-01", "2024-01-05", "1"}},
                 {{"a", "2024-01-02", "2"}, {"a", "2024-01-05", "2"}}},
        AsOfCase{"ARevisionTakesOverWhenItIsKnown",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-01", "2024-01-02", "1"},
                  {"a", "2024-01-01", "2024-01-04", "2"},
                  {"a", "2024-01-01", "2024-01-06", "3"}},
                 {{"a", "2024-01-01", "none"},
                  {"a", "2024-01-03", "1"},
                  {"a", "2024-01-04", "2"},
                  {"a", "2024-01-05 23:59:59.999999", "2"},
                  {"a", "2024-01-06", "3"}}},
        AsOfCase{"ARevisionIngestedFirstButKnownLaterIsOvertaken",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-01", "2024-01-04", "2"}, {"a", "2024-01-01", "2024-01-02", "1"}},
                 {{"a", "2024-01-03", "1"}, {"a", "2024-01-04", "1"}}},
        AsOfCase{"OfRevisionsKnownAtOnceTheOneIngestedLastWins",
                 LevelsWithKnownAt(),
                 {{"a", "2024-01-01", "2024-01-02", "1"}, {"a", "2024-01-01", "2024-01-02", "2"}},
                 {{"a", "2024-01-01 23:59:59.999999", "none"}, {"a", "2024-01-02", "2"}}},
        AsOfCase{"AStaticRowIsVisibleAlways",
                 StaticLevels(),
                 {{"a", "1"}, {"b", "2"}},
                 {{"a", "0001-01-01", "1"}, {"b", "9999-12-31", "2"}, {"c", "2024-01-01", "none"}}},
        AsOfCase{"OfStaticRowsOfAKeyTheOneIngestedLastWins",
                 StaticLevels(),
                 {{"a", "1"}, {"b", "5"}, {"a", "3"}, {"a", "2"}},
                 {{"a", "2024-01-01", "2"}, {"b", "2024-01-01", "5"}}},
        AsOfCase{"AMissingValueIsTheAnswerAndNotTheRowBefore",
                 Levels(),
                 {{"a", "2024-01-01", "1"}, {"a", "2024-01-02", "-"}},
                 {{"a", "2024-01-01", "1"}, {"a", "2024-01-02", "-"}}},
        AsOfCase{"AnEmptySeriesHasNoAnswer", Levels(), {}, {{"a", "2024-01-01", "none"}}},
        AsOfCase{"AnEmptySeriesWithKnownAtHasNoAnswer",
                 LevelsWithKnownAt(),
                 {},
                 {{"", "2024-01-01", "none"}}}),
    [](const auto& param) { return param.param.name; });

SeriesSpec EveryType() {
  SeriesSpec spec = Levels();
  spec.source_schema = {{{.name = "sku", .type = ColumnType::kText},
                         {.name = "at", .type = ColumnType::kTimestamp},
                         {.name = "text", .type = ColumnType::kText, .nullable = true},
                         {.name = "integer", .type = ColumnType::kInt64, .nullable = true},
                         {.name = "number", .type = ColumnType::kDouble, .nullable = true},
                         {.name = "flag", .type = ColumnType::kBool, .nullable = true},
                         {.name = "instant", .type = ColumnType::kTimestamp, .nullable = true}}};
  spec.values = {"text", "integer", "number", "flag", "instant"};
  return spec;
}

std::vector<std::string> AllValues(const Snapshot& snapshot, std::string_view key, Instant time) {
  std::vector<std::string> shown;
  for (std::size_t column = 0; column < 5; ++column) {
    shown.push_back(ValueAsOf(snapshot, key, time, column));
  }
  return shown;
}

TEST(SnapshotValues, OfEveryTypeComeBackPresentOrMissing) {
  const TempFolder folder;
  const SeriesSpec spec = EveryType();
  const Snapshot snapshot = PublishAndOpen(
      spec,
      RowsOf(spec, {{"a", "2024-01-01", "red", "-9223372036854775808", "0.1", "true", "1999-12-31"},
                    {"a", "2024-01-02", "-", "-", "-", "-", "-"},
                    {"b", "2024-01-01", "", "9223372036854775807", "-1e300", "false",
                     "2024-02-29 12:00:00.000001"},
                    {"b", "2024-01-02", "red", "0", "0", "true", "2024-01-01"}}),
      folder);
  using Shown = std::vector<std::string>;
  EXPECT_EQ(AllValues(snapshot, "a", At("2024-01-01")),
            (Shown{"'red'", "-9223372036854775808", "0.1", "true", "1999-12-31T00:00:00Z"}));
  EXPECT_EQ(AllValues(snapshot, "a", At("2024-01-02")), (Shown{"-", "-", "-", "-", "-"}));
  EXPECT_EQ(
      AllValues(snapshot, "b", At("2024-01-01")),
      (Shown{"''", "9223372036854775807", "-1e+300", "false", "2024-02-29T12:00:00.000001Z"}));
  EXPECT_EQ(AllValues(snapshot, "b", At("2024-01-02")),
            (Shown{"'red'", "0", "0", "true", "2024-01-01T00:00:00Z"}));
}

TEST(SnapshotValues, ColumnsThatAreAllMissingStayMissing) {
  const TempFolder folder;
  const SeriesSpec spec = EveryType();
  const Snapshot snapshot =
      PublishAndOpen(spec, RowsOf(spec, {{"a", "2024-01-01", "-", "-", "-", "-", "-"}}), folder);
  EXPECT_EQ(AllValues(snapshot, "a", At("2024-01-01")), std::vector<std::string>(5, "-"));
}

TEST(SnapshotValues, AKeyOrTimeColumnCanBeAValueToo) {
  const TempFolder folder;
  SeriesSpec spec = Levels();
  spec.values = {"at", "sku"};
  const Snapshot snapshot = PublishAndOpen(spec, RowsOf(spec, {{"a", "2024-01-01"}}), folder);
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-01-05"), 0), "2024-01-01T00:00:00Z");
  EXPECT_EQ(ValueAsOf(snapshot, "a", At("2024-01-05"), 1), "'a'");
}

TEST(SnapshotValues, TextsThatRepeatAreStoredOnce) {
  const TempFolder folder;
  SeriesSpec spec = Levels();
  spec.source_schema.columns[3].type = ColumnType::kText;
  const std::string long_text(1000, 'x');
  Table rows(spec.ReadSchema());
  for (int i = 0; i < 1000; ++i)
    AppendRow({"k" + std::to_string(i), "2024-01-01", long_text}, rows);
  const SnapshotReport report = Publish(spec, rows, folder.path() / "s");
  EXPECT_LT(report.bytes, 100 * 1000U);
  const Snapshot snapshot = OpenVerified(spec, folder.path() / "s");
  EXPECT_EQ(ValueAsOf(snapshot, "k0", At("2024-01-01")), "'" + long_text + "'");
  EXPECT_EQ(ValueAsOf(snapshot, "k999", At("2024-01-01")), "'" + long_text + "'");
}

/// A static series keyed by columns of the given types.
SeriesSpec KeyedBy(const std::vector<ColumnType>& types) {
  SeriesSpec spec = StaticLevels();
  spec.source_schema = {{{.name = "level", .type = ColumnType::kInt64}}};
  spec.key.clear();
  for (const ColumnType type : types) {
    spec.key.push_back("key" + std::to_string(spec.key.size()));
    spec.source_schema.columns.push_back({.name = spec.key.back(), .type = type});
  }
  return spec;
}

TEST(SnapshotKeys, OfSeveralTextsAreToldApartByWhereOneEnds) {
  const TempFolder folder;
  const SeriesSpec spec = KeyedBy({ColumnType::kText, ColumnType::kText});
  const Snapshot snapshot = PublishAndOpen(
      spec, RowsOf(spec, {{"ab", "c", "1"}, {"a", "bc", "2"}, {"abc", "", "3"}, {"", "abc", "4"}}),
      folder);
  const auto level = [&snapshot](std::string_view first, std::string_view second) {
    const std::vector<Value> key{first, second};
    return ValueAsOf(snapshot, key, At("2024-01-01"));
  };
  EXPECT_EQ(level("ab", "c"), "1");
  EXPECT_EQ(level("a", "bc"), "2");
  EXPECT_EQ(level("abc", ""), "3");
  EXPECT_EQ(level("", "abc"), "4");
  EXPECT_EQ(level("abc", "c"), "none");
  EXPECT_EQ(level("c", "ab"), "none");
}

TEST(SnapshotKeys, OfIntegersTakeTheWholeRange) {
  const TempFolder folder;
  const SeriesSpec spec = KeyedBy({ColumnType::kInt64});
  const Snapshot snapshot = PublishAndOpen(
      spec, RowsOf(spec, {{"-9223372036854775808", "1"}, {"0", "2"}, {"9223372036854775807", "3"}}),
      folder);
  const auto level = [&snapshot](std::int64_t key) {
    const Value value = key;
    return ValueAsOf(snapshot, std::span(&value, 1), At("2024-01-01"));
  };
  EXPECT_EQ(level(INT64_MIN), "1");
  EXPECT_EQ(level(0), "2");
  EXPECT_EQ(level(INT64_MAX), "3");
  EXPECT_EQ(level(1), "none");
}

TEST(SnapshotKeys, MayMixTypes) {
  const TempFolder folder;
  const SeriesSpec spec =
      KeyedBy({ColumnType::kInt64, ColumnType::kText, ColumnType::kBool, ColumnType::kTimestamp});
  const Snapshot snapshot = PublishAndOpen(
      spec,
      RowsOf(spec, {{"7", "x", "true", "2024-01-01", "1"}, {"7", "x", "false", "2024-01-01", "2"}}),
      folder);
  const auto level = [&snapshot](bool flag, std::string_view day) {
    const std::vector<Value> key{std::int64_t{7}, std::string_view("x"), flag, At(day)};
    return ValueAsOf(snapshot, key, At("2024-01-01"));
  };
  EXPECT_EQ(level(true, "2024-01-01"), "1");
  EXPECT_EQ(level(false, "2024-01-01"), "2");
  EXPECT_EQ(level(false, "2024-01-02"), "none");
}

TEST(SnapshotReportOf, CountsKeysAndTheRowsThatCanStillBeRead) {
  const TempFolder folder;
  const SeriesSpec spec = Levels();
  const SnapshotReport report = Publish(
      spec,
      RowsOf(spec, {{"a", "2024-01-02", "1"}, {"a", "2024-01-02", "2"}, {"b", "2024-01-01", "3"}}),
      folder.path() / "s");
  EXPECT_EQ(report.keys, 2U);
  EXPECT_EQ(report.rows, 2U);
  EXPECT_EQ(report.bytes, std::filesystem::file_size(folder.path() / "s"));
}

struct WatermarkCase {
  std::string name;
  SeriesSpec spec;
  std::vector<RowTexts> rows;
  std::string watermark;
};

void PrintTo(const WatermarkCase& one, std::ostream* out) { *out << one.name; }

class WatermarkTest : public testing::TestWithParam<WatermarkCase> {};

TEST_P(WatermarkTest, IsTheNewestKnownTime) {
  const TempFolder folder;
  const SeriesSpec& spec = GetParam().spec;
  const Snapshot snapshot = PublishAndOpen(spec, RowsOf(spec, GetParam().rows), folder);
  const std::optional<Instant> watermark = snapshot.watermark();
  EXPECT_EQ(watermark ? Show(*watermark) : "none", GetParam().watermark);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WatermarkTest,
    testing::Values(WatermarkCase{"OfAnyKey",
                                  Levels(),
                                  {{"a", "2024-01-02", "1"}, {"b", "2024-01-01", "1"}},
                                  "2024-01-02T00:00:00Z"},
                    WatermarkCase{"DelayIncluded",
                                  LevelsKnownLater(days(2)),
                                  {{"a", "2024-01-02", "1"}},
                                  "2024-01-04T00:00:00Z"},
                    WatermarkCase{"KnownAtNotTime",
                                  LevelsWithKnownAt(),
                                  {{"a", "2024-02-01", "2024-01-03", "1"},
                                   {"a", "2024-01-01", "2024-01-02", "1"}},
                                  "2024-01-03T00:00:00Z"},
                    WatermarkCase{"NoneOfAnEmptySeries", Levels(), {}, "none"},
                    WatermarkCase{"NoneOfAStaticSeries", StaticLevels(), {{"a", "1"}}, "none"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
