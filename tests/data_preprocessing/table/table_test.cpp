#include "data_preprocessing/table/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;

const Schema kEveryType{{{.name = "text", .type = ColumnType::kText, .nullable = true},
                         {.name = "int64", .type = ColumnType::kInt64, .nullable = true},
                         {.name = "double", .type = ColumnType::kDouble, .nullable = true},
                         {.name = "bool", .type = ColumnType::kBool, .nullable = true},
                         {.name = "timestamp", .type = ColumnType::kTimestamp, .nullable = true}}};

void AppendRow(Table& table, std::string_view text) {
  table.column(0).AppendText(text);
  table.column(1).AppendInt64(-7);
  table.column(2).AppendDouble(0.5);
  table.column(3).AppendBool(true);
  table.column(4).AppendTimestamp(FromMicros(1'000'000));
}

void AppendMissingRow(Table& table) {
  for (std::size_t i = 0; i < table.column_count(); ++i) table.column(i).AppendMissing();
}

constexpr const char* kShownA = "'a' -7 0.5 true 1970-01-01T00:00:01Z";
constexpr const char* kShownEmpty = "'' -7 0.5 true 1970-01-01T00:00:01Z";

TEST(Table, GivesBackWhatWasAppended) {
  Table table(kEveryType);
  AppendRow(table, "a");
  AppendMissingRow(table);
  AppendRow(table, "");
  EXPECT_THAT(Rows(table), ElementsAre(kShownA, "- - - - -", kShownEmpty));
}

TEST(Table, CountsOnlyCompleteRows) {
  Table table(kEveryType);
  AppendRow(table, "a");
  table.column(0).AppendText("half a row");
  EXPECT_EQ(table.row_count(), 1U);
}

TEST(Table, TruncatingUndoesARowThatFailedHalfWay) {
  Table table(kEveryType);
  AppendRow(table, "a");
  table.column(0).AppendText("half a row");
  table.column(1).AppendInt64(1);
  table.Truncate(1);
  AppendMissingRow(table);
  EXPECT_THAT(Rows(table), ElementsAre(kShownA, "- - - - -"));
}

TEST(Table, TruncatingToMoreRowsThanThereAreChangesNothing) {
  Table table(kEveryType);
  AppendRow(table, "a");
  table.Truncate(5);
  EXPECT_THAT(Rows(table), ElementsAre(kShownA));
}

TEST(Table, IsEmptyAfterClearAndTakesRowsAgain) {
  Table table(kEveryType);
  AppendMissingRow(table);
  AppendRow(table, "b");
  table.Clear();
  EXPECT_EQ(table.row_count(), 0U);
  AppendRow(table, "a");
  EXPECT_THAT(Rows(table), ElementsAre(kShownA));
}

TEST(Table, WithoutColumnsHasNoRows) { EXPECT_EQ(Table(Schema{}).row_count(), 0U); }

TEST(Schema, FindsColumnsByTheirExactName) {
  EXPECT_EQ(kEveryType.Find("double"), 2U);
  EXPECT_EQ(kEveryType.Find("Double"), std::nullopt);
  EXPECT_EQ(Schema{}.Find(""), std::nullopt);
}

TEST(ColumnTypeNames, LeadThereAndBack) {
  for (const ColumnSpec& column : kEveryType.columns) {
    EXPECT_EQ(ToString(column.type), column.name);
    EXPECT_EQ(ColumnTypeFromString(column.name), column.type);
  }
  EXPECT_EQ(ColumnTypeFromString("integer"), std::nullopt);
  EXPECT_EQ(ColumnTypeFromString(""), std::nullopt);
}

}  // namespace
}  // namespace forkcast::preprocessing
