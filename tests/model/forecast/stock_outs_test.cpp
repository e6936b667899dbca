// Periods in which something else than demand decided what was sold: what a series says of them,
// and that nothing learns from them or is judged by them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::HasSubstr;

/// Shops whose shelves were empty on some days, on which they sold less.
class StockOuts : public TrainCommandTest {
 protected:
  StockOuts() {
    document_["training"]["baselines"].push_back("historic_mean");
    for (int day = 20; day < kDays; day += 11) {
      empty_.emplace("000", day);
      empty_.emplace("000", day + 1);
    }
    empty_.emplace("002", kDays - 3);  // in the last fold's test
  }

  /// The sales with the days on which nothing was left, as the pipeline declares them.
  void IngestWithStock(double sold_without_stock) {
    document_["tables"]["sales"]["columns"]["empty_shelf"] = "double";
    ordered_json& values = document_["series"]["daily"]["aggregate"]["values"];
    values["amount"] = {
        {"op", "sum"}, {"column", "amount"}, {"empty", 0}, {"censored", "empty_shelf"}};
    values["empty_shelf"] = {{"op", "max"}, {"column", "empty_shelf"}, {"empty", 0}};
    std::string csv = "shop,day,amount,empty_shelf\n";
    for (const Amount& row : amounts_) {
      const bool is_empty = empty_.contains({row.shop, row.day});
      csv += fmt::format("{},{},{},{}\n", row.shop, DateOf(row.day),
                         is_empty ? sold_without_stock : row.amount, is_empty ? 1 : 0);
    }
    IngestCsv(csv);
  }
  /// The same sales without these days, of which then nothing is known.
  void IngestWithoutThem() {
    document_ = Pipeline();
    document_["training"]["baselines"].push_back("historic_mean");
    std::erase_if(amounts_, [this](const Amount& row) {
      return empty_.contains({row.shop, row.day});
    });
    Ingest();
  }
  /// What a validation found, but for the count of what was censored.
  [[nodiscard]] ordered_json Found() const {
    ordered_json found = evaluation();
    found.erase("left_out");
    found.erase("censored");
    return found;
  }

  std::set<std::pair<std::string, int>> empty_;
};

TEST_F(StockOuts, AreCountedInTablesAndJson) {
  IngestWithStock(0);
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["censored"],
            ordered_json({{"by", "empty_shelf"}, {"periods", 23}, {"of_periods", 420}}));
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"censored", 5}}));
  EXPECT_EQ(evaluation()["rows_to_judge"], kShops * kHorizon * kFolds - 5);
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("23 of the 420 periods of all keys are censored by "
                               "\"empty_shelf\", 5 of them in the folds' tests: neither learned "
                               "from nor judged, and no baseline sees them"));
}

TEST_F(StockOuts, AreLearnedFromAndJudgedAsDaysOfWhichNothingIsKnown) {
  IngestWithStock(0);
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const ordered_json with_stock = Found();
  IngestWithoutThem();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Found(), with_stock);  // the baselines, too
  for (int step = 1; step <= kHorizon; ++step) {
    const std::string file = fmt::format("model/{}.ubj", step);
    EXPECT_EQ(ReadWhole(version(2) / file), ReadWhole(version(1) / file)) << file;
  }
}

TEST_F(StockOuts, DoNotMatterByWhatWasSoldInThem) {
  IngestWithStock(0);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json sold_nothing = evaluation();
  IngestWithStock(1000);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation(), sold_nothing);
}

TEST_F(StockOuts, AreHolesForAlgorithmsThatLearnFromHistories) {
  const ordered_json ets{{"algorithm", "ets"}, {"season", 7}, {"model", "AZA"}};
  document_["training"]["model"] = ets;
  IngestWithStock(0);
  ASSERT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
  const std::string learned = ReadWhole(version(1) / "model/history.json");
  amounts_.clear();
  std::mt19937 random(7);
  for (int shop = 0; shop < kShops; ++shop) {
    for (int day = 0; day < kDays; ++day) {
      const std::string name = fmt::format("{:03}", shop);
      const double sold = Sales(shop, day, random);
      if (!empty_.contains({name, day})) amounts_.push_back({name, day, sold});
    }
  }
  document_ = Pipeline();
  document_["training"]["model"] = ets;
  Ingest();
  ASSERT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
  EXPECT_EQ(ReadWhole(version(2) / "model/history.json"), learned);
}

}  // namespace
}  // namespace forkcast::model
