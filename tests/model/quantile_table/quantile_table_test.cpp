#include "model/quantile_table/quantile_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/predict/published_kinds.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

struct Row {
  std::vector<float> cell;
  double value = 0;
  double weight = 1;
};

CellQuantiles TableOf(const std::vector<Row>& rows, const QuantileTableOptions& options) {
  CellRows cells(rows.front().cell.size());
  for (const Row& row : rows) cells.Add(row.cell, row.value, row.weight);
  return cells.Table(options);
}

double AnswerOf(const CellQuantiles& table, const std::vector<float>& cell) {
  CellKey key;
  CellKeyOf(cell, key);
  return table.Of(key, cell.size());
}

/// Of rows in one cell.
struct QuantileCase {
  const char* name;
  std::vector<double> values;
  std::vector<double> weights;
  double quantile = 0.5;
  double answer = 0;

  friend void PrintTo(const QuantileCase& one, std::ostream* out) { *out << one.name; }
};
class Quantile : public testing::TestWithParam<QuantileCase> {};

TEST_P(Quantile, IsThatOfTheCellsRows) {
  const QuantileCase& one = GetParam();
  std::vector<Row> rows;
  for (std::size_t i = 0; i < one.values.size(); ++i) {
    rows.push_back({{}, one.values[i], one.weights.empty() ? 1 : one.weights[i]});
  }
  EXPECT_EQ(AnswerOf(TableOf(rows, {.quantile = one.quantile}), {}), one.answer);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Quantile,
    testing::Values(
        QuantileCase{"MedianOfAnOddNumber", {9, 1, 4}, {}, 0.5, 4},
        QuantileCase{"MedianOfAnEvenNumber", {9, 1, 4, 5}, {}, 0.5, 4.5},
        QuantileCase{"OfOneRow", {3}, {}, 0.9, 3},
        QuantileCase{
            "TenthOfTenIsBetweenTheFirstTwo", {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, {}, 0.1, 1.5},
        QuantileCase{"NinthTenthOfFive", {1, 2, 3, 4, 5}, {}, 0.9, 5},
        QuantileCase{"HeavyRowsCountMore", {1, 2, 3}, {1, 1, 5}, 0.5, 3},
        QuantileCase{"RowsWithoutWeightAreNone", {1, 2, 3}, {1, 1, 0}, 0.5, 1.5}),
    [](const auto& param) { return std::string(param.param.name); });

std::vector<Row> Shops() {
  return {{{1, 5, 0}, 10},       {{1, 5, 0}, 12},       {{1, 5, 1}, 30},
          {{1, 5, kMissing}, 7}, {{1, 6, 0}, 2},        {{2, 5, 0}, 100},
          {{2, 5, 0}, 104},      {{2, 5, kMissing}, 8}, {{2, 5, kMissing}, 9}};
}

/// What a cell that has too few rows is answered with.
struct CellCase {
  const char* name;
  std::vector<float> cell;
  std::size_t min_rows = 2;
  double answer = 0;

  friend void PrintTo(const CellCase& one, std::ostream* out) { *out << one.name; }
};
class Cells : public testing::TestWithParam<CellCase> {};

TEST_P(Cells, AreAnsweredByTheFinestThatHasRowsEnough) {
  EXPECT_EQ(AnswerOf(TableOf(Shops(), {.min_rows = GetParam().min_rows}), GetParam().cell),
            GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Cells,
    testing::Values(CellCase{"OfRowsEnough", {1, 5, 0}, 2, 11},
                    CellCase{"OfOneRowIsThatWithoutTheLastColumn", {1, 5, 1}, 2, 11},
                    CellCase{"OfOneRowThatIsEnough", {1, 5, 1}, 1, 30},
                    CellCase{"OfOneRowInItsDayIsTheShops", {1, 6, 0}, 2, 10},
                    CellCase{"OfAnUnknownDayIsTheShops", {2, 7, 0}, 2, 54.5},
                    CellCase{"OfAnUnknownShopIsThatOfAllRows", {3, 5, 0}, 2, 10},
                    CellCase{"OfAMissingValueIsOneOfItsOwn", {2, 5, kMissing}, 2, 8.5},
                    CellCase{"OfNegativeZeroIsThatOfZero", {1, 5, -0.0F}, 2, 11},
                    CellCase{"OfTooFewRowsAnywhereIsThatOfAllRows", {1, 5, 0}, 100, 10}),
    [](const auto& param) { return std::string(param.param.name); });

QuantileTable Table() {
  return QuantileTable(
      {.features = {"day", "level", "shop"},
       .cells = {2, 0},
       .options = {.quantile = 0.5, .min_rows = 1},
       .quantiles = TableOf({{{1, 5}, 10}, {{1, 6}, 0.1}, {{2, kMissing}, 7}}, {.min_rows = 1})});
}

TEST(QuantileTables, LookAtTheirOwnColumnsOfARow) {
  const QuantileTable table = Table();
  std::vector<double> out(3);
  table.Predict(std::vector<float>{5, 99, 1, kMissing, kMissing, 2, 6, -1, 1}, out);
  EXPECT_THAT(out, ElementsAre(10, 7, 0.1));
}

TEST(QuantileTables, AreReadAsTheyWereWritten) {
  const auto read = QuantileTable::Parse(Table().Write());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->source(), Table().source());
  EXPECT_EQ(read->Write(), Table().Write());
}

TEST(QuantileTables, AreAPublishedKind) {
  const preprocessing::TempFolder folder;
  const auto file = folder.Write("1.table.json", Table().Write());
  for (const PublishedKind& kind : PublishedKinds()) {
    if (kind.ending != kTableEnding) continue;
    InputPool pool;
    const auto opened = kind.open(file, pool);
    ASSERT_TRUE(opened) << opened.error().message;
    std::vector<double> out(1);
    opened->model->Predict(std::vector<float>{6, 0, 1}, out);
    EXPECT_THAT(out, ElementsAre(0.1));
    return;
  }
  FAIL() << "no kind of file ends with " << kTableEnding;
}

/// `pointer` gets `value`, which the message then names.
struct BadFile {
  const char* name;
  const char* pointer;
  const char* value;
  const char* message;

  friend void PrintTo(const BadFile& one, std::ostream* out) { *out << one.name; }
};
class BadFiles : public testing::TestWithParam<BadFile> {};

TEST_P(BadFiles, AreRefusedNamingThePlace) {
  ordered_json document = ordered_json::parse(Table().Write());
  document[ordered_json::json_pointer(GetParam().pointer)] = ordered_json::parse(GetParam().value);
  const auto read = QuantileTable::Parse(document.dump());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadFiles,
    testing::Values(
        BadFile{"OfAnotherFormat", "/format", R"("forkcast.linear")", "$.format: expected"},
        BadFile{"OfALaterVersion", "/format_version", "2", "$.format_version"},
        BadFile{"WithACellOfNoFeature", "/cells/0", "3", "$.cells[0]"},
        BadFile{"WithACellTwice", "/cells/0", "0", "$.cells[1]: given twice"},
        BadFile{"WithoutCells", "/cells", "[]", "$.cells: expected 1 to 16 columns"},
        BadFile{"WithTooFewTables", "/tables", "[]", "$.tables: expected 3 tables"},
        BadFile{"WithoutTheCellOfAllRows", "/tables/0", "[]",
                "$.tables[0]: expected the one cell of all rows"},
        BadFile{"WithACellOfAnotherLength", "/tables/1/0/cell", "[1, 2]",
                "$.tables[1][0].cell: expected 1 numbers"},
        BadFile{"WithCellsOutOfOrder", "/tables/1/0/cell", "[3]",
                "$.tables[1][1]: expected the cells in their order"},
        BadFile{"WithAValueThatIsNoNumber", "/tables/1/0/value", "null", "$.tables[1][0].value"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
