// Keys that are sold no more: from when on they are not forecast, in judging and in answering.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/forecast/ended_rule.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::PeriodIndex;
using testing::HasSubstr;

constexpr PeriodIndex kFirstDay = 19723;  // 2024-01-01

/// A fourth shop that closed for good.
class EndedShops : public TrainCommandTest {
 protected:
  EndedShops() {
    document_["training"]["ended_after"] = 14;
    document_["series"]["daily"]["aggregate"]["values"]["amount"]["empty"] = 0;
  }
  void CloseShop(int last_day, std::vector<int> sold_again = {}) {
    for (int day = 0; day <= last_day; ++day) amounts_.push_back({"old", day, 20.0 + day % 7});
    for (const int day : sold_again) amounts_.push_back({"old", day, 9.0});
  }
};

TEST_F(EndedShops, AreNotForecastFromAnOriginOnAndNotJudged) {
  CloseShop(kDays - 1 - 2 * kHorizon - 14);  // 14 days before the second fold's origin
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"ended", 2 * kHorizon}}));
  EXPECT_EQ(evaluation()["rows_to_judge"], (kShops * kFolds + 1) * kHorizon);
  EXPECT_EQ(evaluation()["ended"], ordered_json({{"keys", 1},
                                                 {"rows", 2 * kHorizon},
                                                 {"rows_sold_again", 0},
                                                 {"value_sold_again", 0.0}}));
}

TEST_F(EndedShops, ThatAreSoldAgainAreToldAsWhatTheRuleCosts) {
  CloseShop(kDays - 1 - 2 * kHorizon - 14, {kDays - kHorizon - 2, kDays - kHorizon - 1});
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  // Left out of the second fold, which could not know; in the third it is forecast again.
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"ended", kHorizon}}));
  EXPECT_EQ(evaluation()["ended"]["rows_sold_again"], 2);
  EXPECT_EQ(evaluation()["ended"]["value_sold_again"], 18.0);
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("7 rows of 1 keys are not forecast, since these had ended by the "
                               "fold's origin (\"ended_after\"); in 2 of them something was sold "
                               "all the same, 18 in all"));
}

/// A question that nobody asks has no place among the examples: learning from many days of nothing
/// makes a model that expects nothing.
TEST_F(EndedShops, AreLearnedFromAsLongAsTheyAreForecast) {
  document_["forecast"]["strategy"] = "direct";
  CloseShop(60);
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const auto rows = manifest(1)["data"]["rows"].get<int>();
  document_["training"].erase("ended_after");
  SetDocument();
  ASSERT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
  // From origin 74 on it has ended: of step h the targets from 74 + h on are left out.
  int left_out = 0;
  for (int step = 1; step <= kHorizon; ++step) left_out += kDays - 74 - step;
  EXPECT_EQ(manifest(2)["data"]["rows"].get<int>() - rows, left_out);
}

TEST_F(EndedShops, AreRefusedWhereThePastChanges) {
  document_["tables"]["sales"]["columns"]["known"] = "timestamp";
  document_["series"]["daily"]["known_at"] = "known";
  SetDocument();
  EXPECT_EQ(Evaluate(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("$.training.ended_after: reads the past as it is known now"));
}

/// One key's history, by day from the first on: its sales, - for a day without stock.
struct RuleCase {
  std::string name;
  std::vector<std::string> days;
  int origin = 0;
  bool has_ended = false;
};
void PrintTo(const RuleCase& one, std::ostream* out) { *out << one.name; }

class AfterThreeDaysWithoutASale : public TrainCommandTest,
                                   public testing::WithParamInterface<RuleCase> {};

TEST_P(AfterThreeDaysWithoutASale, AKeyHasEnded) {
  document_["tables"]["sales"]["columns"]["empty_shelf"] = "double";
  ordered_json& aggregate = document_["series"]["daily"]["aggregate"];
  aggregate["to"] = "key";
  aggregate["values"]["amount"].update({{"empty", 0}, {"censored", "empty_shelf"}});
  aggregate["values"]["empty_shelf"] = {{"op", "max"}, {"column", "empty_shelf"}, {"empty", 0}};
  std::string csv = "shop,day,amount,empty_shelf\n";
  for (std::size_t day = 0; day < GetParam().days.size(); ++day) {
    const std::string& sold = GetParam().days[day];
    csv += fmt::format("a,{},{},{}\n", DateOf(static_cast<int>(day)), sold == "-" ? "0" : sold,
                       sold == "-" ? 1 : 0);
  }
  IngestCsv(csv);
  const auto spec = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
  const auto data = *ForecastData::Open(spec, folder_.path() / "o.db.snapshots");
  const EndedRule rule(3, data->series(), data->grid(), data->forecast());
  EXPECT_EQ(rule.HasEnded(0, kFirstDay + GetParam().origin), GetParam().has_ended);
  const EndedRule never(std::nullopt, data->series(), data->grid(), data->forecast());
  EXPECT_FALSE(never.HasEnded(0, kFirstDay + GetParam().origin));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AfterThreeDaysWithoutASale,
    testing::Values(RuleCase{"NotAfterTwo", {"5", "0", "0", "0"}, 2, false},
                    RuleCase{"AfterThree", {"5", "0", "0", "0"}, 3, true},
                    RuleCase{"WhateverIsSoldLater", {"5", "0", "0", "0", "7"}, 3, true},
                    RuleCase{"NotOnceSomethingIsSold", {"5", "0", "0", "0", "7"}, 4, false},
                    RuleCase{"BehindItsLastRowNothingIsSold", {"5"}, 3, true},
                    RuleCase{"OrNotYet", {"5"}, 2, false},
                    RuleCase{"DaysWithoutStockTellNothing", {"5", "0", "-", "0", "0"}, 3, false},
                    RuleCase{"AndAreLeftOutOfTheCount", {"5", "0", "-", "0", "0"}, 4, true},
                    RuleCase{"NotOfAKeyThatIsYoung", {"0", "0", "0"}, 1, false}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
