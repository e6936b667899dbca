// What a validation is made of: which rows were judged, which were left out and why, and what
// follows for the verdict.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "model/artefact/registry.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ReadWhole;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class JudgedRows : public TrainCommandTest {
 protected:
  /// A plan that is known in advance for all days but the last `days_without`; a forecast needs it.
  void NeedAPlan(int days_without) {
    document_["tables"]["plan"] = {
        {"columns", {{"shop", "text"}, {"day", "timestamp"}, {"promo", "double"}}}};
    document_["series"]["plan"] = {{"table", "plan"},       {"key", {"shop"}},
                                   {"time", "day"},         {"known_in_advance", true},
                                   {"values", {"promo"}},   {"max_staleness", "12h"},
                                   {"when_stale", "refuse"}};
    document_["features"].push_back({{"name", "promo"},
                                     {"op", "as_of"},
                                     {"series", "plan"},
                                     {"value", "promo"},
                                     {"key", {"shop"}},
                                     {"at", "target"}});
    std::string csv = "shop,day,promo\n";
    for (int shop = 0; shop < kShops; ++shop) {
      for (int day = 0; day < kDays - days_without; ++day) {
        csv += fmt::format("{:03},{},{}\n", shop, DateOf(day), day % 2);
      }
    }
    folder_.Write("plan.csv", csv);
  }
  void AddYoungShop(int days) {
    for (int day = kDays - days; day < kDays; ++day)
      amounts_.push_back({"new", day, 5.0 + day % 3});
  }
};

TEST_F(JudgedRows, AreCountedAndPromoteNothingWhenFoldsAndStepsHaveNone) {
  document_["forecast"]["horizon"] = 4;
  NeedAPlan(10);
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kGate) << err() << out();
  EXPECT_EQ(evaluation()["rows_to_judge"], 36);
  EXPECT_EQ(evaluation()["metrics"]["rows"], 6);
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"refused", 30}}));
  EXPECT_FALSE(evaluation()["beats_baselines"]);
  EXPECT_EQ(
      evaluation()["shortfalls"],
      ordered_json({"no row of folds 2, 3 could be judged", "no row of steps 3, 4 could be judged",
                    "only 6 of 36 rows could be judged, 17 %, and \"min_judged\" is 0.8"}));
  EXPECT_FALSE(Registry(models()).Find("sales", "champion"));

  Show(Shows::kTables);
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page}), ExitCode::kDone) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("30 of 36 rows to judge were left out: refused: "),
                           HasSubstr("NOT judged well enough to be promoted: no row of folds 2, 3"),
                           Not(HasSubstr("beats every baseline"))));
  EXPECT_THAT(ReadWhole(page), AllOf(HasSubstr("30 of 36 rows to judge were left out"),
                                     HasSubstr("NOT judged well enough")));
}

/// Three days in ten sell ten times as much, nobody knows which: most days are forecast well.
TEST_F(JudgedRows, WarnOfForecastsThatAreFarOffOnAverage) {
  std::mt19937 random(5);
  for (Amount& row : amounts_) row.amount = random() % 10 < 3 ? 50 : 5;
  document_["training"]["model"]["objective"] = "absolute_error";
  Ingest();
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), ContainsRegex("On average it forecasts [0-9]+ % too little: what adds "
                                   "forecasts up"));
}

TEST_F(JudgedRows, AreComputedBesideThoseThatTheWindowLearnsFromAlone) {
  document_["forecast"]["strategy"] = "shared";
  document_["training"]["window"] = 20;
  Ingest();
  ASSERT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
  // The first of three folds learns from the 20 days before the last 21.
  EXPECT_EQ(manifest(1)["data"]["rows"], kShops * (20 + kFolds * kHorizon));
  EXPECT_EQ(manifest(1)["data"]["periods"], kDays);
}

TEST_F(JudgedRows, AreEnoughFromTheShareOnThatThePipelineDeclares) {
  NeedAPlan(2);  // of 63 rows the last 2 days' of 3 shops are refused
  document_["training"]["min_judged"] = 0.95;
  Ingest();
  EXPECT_EQ(Train(), ExitCode::kGate) << err();
  EXPECT_EQ(evaluation()["metrics"]["rows"], 57);
  document_["training"]["min_judged"] = 0.9;
  SetDocument();
  EXPECT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"refused", 6}}));
}

TEST_F(JudgedRows, PromoteNothingBesideABaselineThatForecastsNone) {
  document_["training"]["baselines"].push_back({{"seasonal_naive", 365}});
  Ingest();
  EXPECT_EQ(Train(), ExitCode::kGate) << err();
  EXPECT_EQ(evaluation()["shortfalls"],
            ordered_json({"seasonal_naive_365 has no forecast for any row to compare with"}));
  EXPECT_EQ(Train({"--force-promote"}), ExitCode::kDone) << err();
}

TEST_F(JudgedRows, AreWrittenWithIntervalsAndWhatBaselinesSay) {
  document_["training"]["baselines"] = {"naive", {{"quantile_table", {"weekday"}}, {"window", 56}}};
  document_["training"]["intervals"] = {0.5};
  Ingest();
  const std::string file = (folder_.path() / "rows.csv").string();
  ASSERT_EQ(Evaluate({"--judged-rows", file}), ExitCode::kDone) << err();
  std::istringstream lines(ReadWhole(file));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "key,fold,step,period,actual,forecast,lower_50,upper_50,naive,quantile_table");
  int rows = 0;
  const auto amount = [&](int shop, int day) {
    return amounts_[static_cast<std::size_t>(shop * kDays + day)].amount;
  };
  while (std::getline(lines, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 10U) << line;
    const int shop = std::stoi(cells[0]);
    const int fold = std::stoi(cells[1]);
    const int step = std::stoi(cells[2]);
    const int begin = kDays - (kFolds - fold + 1) * kHorizon;
    const int day = begin + step - 1;
    EXPECT_EQ(cells[3], DateOf(day));
    EXPECT_EQ(std::stod(cells[4]), amount(shop, day));
    EXPECT_LE(std::stod(cells[6]), std::stod(cells[5]));
    EXPECT_GE(std::stod(cells[7]), std::stod(cells[5]));
    EXPECT_FLOAT_EQ(std::stof(cells[8]), static_cast<float>(amount(shop, begin - 1)));
    // The median of the shop's last eight days of this weekday.
    std::vector<double> alike;
    for (int week = 1; week <= 8; ++week) alike.push_back(amount(shop, day - 7 * week));
    std::ranges::sort(alike);
    EXPECT_FLOAT_EQ(std::stof(cells[9]), static_cast<float>((alike[3] + alike[4]) / 2));
    ++rows;
  }
  EXPECT_EQ(rows, kShops * kFolds * kHorizon);
  EXPECT_EQ(evaluation()["baselines"][1]["name"], "quantile_table");
}

TEST_F(JudgedRows, LackThePeriodsWithoutAValue) {
  std::erase_if(amounts_, [](const Amount& row) { return row.day == kDays - 2; });
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"no value", kShops}}));
  EXPECT_EQ(evaluation()["rows_to_judge"], kShops * (kHorizon * kFolds - 1));
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("3 periods of the folds' tests have no value to judge by"));
}

TEST_F(JudgedRows, AreEnoughWhereShopsAreClosedOnADayThatIsAStepOfEveryFold) {
  static_assert(kHorizon == 7);
  std::erase_if(amounts_, [](const Amount& row) { return (kDays - 1 - row.day) % 7 == 2; });
  Ingest();
  EXPECT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["shortfalls"], ordered_json::array());
  EXPECT_EQ(evaluation()["steps"][4]["rows"], 0);
}

TEST_F(JudgedRows, StandBesideThoseOfABaselineThatHasFewer) {
  document_["training"]["baselines"] = {{{"seasonal_naive", 133}}};
  Ingest();
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("\nmodel                    63"),
                           HasSubstr("seasonal_naive_133       21"),
                           HasSubstr("  model on these rows    21")));
}

TEST_F(JudgedRows, ShowHowErrorsAreSpreadOverKeysInTheTables) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const double median = evaluation()["quantiles_over_keys"]["wape"]["p50"];
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const std::size_t line = out().find("\np50 ");
  ASSERT_NE(line, std::string::npos) << out();
  EXPECT_THAT(out().substr(line, 120), HasSubstr(fmt::format("{:.4f}", median)));
}

TEST_F(JudgedRows, AreForecastByTheFirstFoldsModelWithoutRefit) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json fitted_anew = evaluation()["folds"];
  document_["training"]["folds"]["refit"] = false;
  SetDocument();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json folds = evaluation()["folds"];
  EXPECT_EQ(folds[0], fitted_anew[0]);
  for (const ordered_json& fold : folds) EXPECT_EQ(fold["train_to"], folds[0]["train_to"]);
  EXPECT_EQ(folds[2]["test_from"], fitted_anew[2]["test_from"]);
  EXPECT_NE(folds[2]["wape"], fitted_anew[2]["wape"]);
}

TEST_F(JudgedRows, AreDatedAsTheDataAreByTheirLastPeriod) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(manifest(1)["data"]["to"], DateOf(kDays - 1));
  EXPECT_EQ(manifest(1)["evaluation"]["folds"].back()["test_to"], DateOf(kDays - 1));
}

/// A young shop among old ones, one model a shop.
class YoungKeys : public JudgedRows {
 protected:
  YoungKeys() {
    document_["training"]["scope"] = "per_key";
    document_["forecast"]["strategy"] = "shared";
  }
};

TEST_F(YoungKeys, AreLeftOutOfTheFoldsTheyAreTooYoungFor) {
  AddYoungShop(9);  // two days before the last fold's test
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["keys_without_model"],
            ordered_json::parse(R"([{"key": ["new"], "folds": [1, 2]}])"));
  EXPECT_EQ(evaluation()["left_out"], ordered_json({{"no model", 2}}));
  EXPECT_EQ(manifest(1)["data"]["keys"], kShops + 1);
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("keys too young for a model of their own: new (folds 1, 2)"));
}

TEST_F(YoungKeys, AreLeftOutOfAVersionForWhichTheyHaveTooFewRows) {
  AddYoungShop(1);
  Ingest();
  ASSERT_EQ(Train({"--dry-run"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["young_keys"], ordered_json::parse(R"([{"key": ["new"], "values": 1,
                                     "folds_without_model": [1, 2, 3], "in_version": false}])"));
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const ordered_json left_out = ordered_json::parse(R"([{"key": ["new"], "values": 1}])");
  EXPECT_EQ(summary()["keys_left_out"], left_out);
  EXPECT_EQ(manifest(1)["data"]["keys_left_out"], left_out);
  EXPECT_EQ(manifest(1)["data"]["keys"], kShops);
  EXPECT_EQ(ordered_json::parse(ReadWhole(version(1) / "model/keys.json"))["keys"].size(), kShops);
}

TEST_F(YoungKeys, LeaveTheModelsOfTheOthersAsTheyAre) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  AddYoungShop(1);
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  for (int shop = 0; shop < kShops; ++shop) {
    const std::string file = fmt::format("model/1/{}.ubj", shop);
    EXPECT_EQ(ReadWhole(version(2) / file), ReadWhole(version(1) / file)) << file;
  }
}

TEST_F(YoungKeys, EndTheRunWhenThereAreNoOthersOrTheyWereChosen) {
  AddYoungShop(1);
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Train({"--only-key", "new"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("one model a key needs at least 2 periods with a value each: new"));
  std::erase_if(amounts_, [](const Amount& row) { return row.shop != "new"; });
  document_["training"]["folds"] = {{"n_splits", 1}};
  document_["series"]["daily"]["aggregate"]["values"]["amount"]["empty"] = "missing";
  amounts_.push_back({"old", kDays - 30, 1});
  Ingest();
  EXPECT_EQ(Train(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("needs at least 2 periods with a value each: new (1 value"));
}

/// What a verdict says of values that make it so.
struct VerdictCase {
  std::string name;
  std::string metric;
  std::function<double(int day, double amount)> amount;
  std::vector<std::string> says;
};
void PrintTo(const VerdictCase& one, std::ostream* out) { *out << one.name; }
class Verdicts : public JudgedRows, public testing::WithParamInterface<VerdictCase> {};

TEST_P(Verdicts, SayByWhichMetricAndWhatSpeaksAgainst) {
  document_["training"]["metric"] = GetParam().metric;
  for (Amount& row : amounts_) row.amount = GetParam().amount(row.day, row.amount);
  Ingest();
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  for (const std::string& text : GetParam().says) EXPECT_THAT(out(), HasSubstr(text));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Verdicts,
    testing::Values(
        VerdictCase{"OneMetricForAll",
                    "wape",
                    [](int, double amount) { return amount; },
                    {"beats every baseline by wape: its wape is ",
                     " % smaller than that of seasonal_naive_7."}},
        // The last weeks are three times what was learned, and only naive forecasts can follow.
        VerdictCase{"AModelThatIsTooLow",
                    "wape",
                    [](int day, double amount) { return day < kDays - 30 ? amount : 3 * amount; },
                    {"does NOT beat the baselines by wape: its wape is ", " % larger than that of ",
                     " % too little."}}),
    [](const auto& param) { return param.param.name; });

/// Tests of folds in which the deciding metric says nothing.
struct UndefinedCase {
  std::string name;
  std::string metric;
  double last_weeks = 0;
  std::string message;
};
void PrintTo(const UndefinedCase& one, std::ostream* out) { *out << one.name; }
class UndefinedMetric : public JudgedRows, public testing::WithParamInterface<UndefinedCase> {};

TEST_P(UndefinedMetric, IsToldBeforeTraining) {
  document_["training"]["metric"] = GetParam().metric;
  for (Amount& row : amounts_) {
    if (row.day >= kDays - kFolds * kHorizon) row.amount = GetParam().last_weeks;
  }
  Ingest();
  EXPECT_EQ(Train({"--dry-run"}), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
  EXPECT_EQ(Train(), ExitCode::kUnfit);
  EXPECT_FALSE(fs::exists(models()));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UndefinedMetric,
    testing::Values(UndefinedCase{"WapeOfZeros", "wape", 0,
                                  "wape is not defined: \"amount\" is 0 in all 63 rows to judge"},
                    UndefinedCase{"RmspeOfZeros", "rmspe", 0,
                                  "rmspe is not defined: \"amount\" is 0 in all 63 rows to judge"},
                    UndefinedCase{"RmsleOfNegativeValues", "rmsle", -1,
                                  "rmsle is not defined: \"amount\" is negative in 63 of 63 rows"}),
    [](const auto& param) { return param.param.name; });

TEST_F(JudgedRows, AreMissedOfATableWithAHeaderAlone) {
  amounts_.clear();
  Ingest();
  EXPECT_EQ(Evaluate(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("series \"daily\" has no period"));
}

TEST_F(JudgedRows, OfAKeyAreShownByItsValuesInJson) {
  for (Amount& row : amounts_) {
    if (row.shop == "002") row.shop = "a,b";
  }
  // Quoted, since the name has a comma.
  std::string csv = "shop,day,amount\n";
  for (const Amount& row : amounts_) {
    csv += fmt::format("\"{}\",{},{}\n", row.shop, DateOf(row.day), row.amount);
  }
  IngestCsv(csv);
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page, "--report-key", R"(["a,b"])"}), ExitCode::kDone) << err();
  EXPECT_THAT(ReadWhole(page), HasSubstr("<h3>a,b</h3>"));
}

}  // namespace
}  // namespace forkcast::model
