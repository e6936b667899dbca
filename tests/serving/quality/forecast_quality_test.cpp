#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "captured_line.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/commands/models_command.hpp"
#include "model/forecast/sales_testing.hpp"
#include "serving/commands/drift_command.hpp"
#include "serving/commands/predict_command.hpp"

namespace forkcast::serving {
namespace {

using model::DateOf;
using model::kShops;
using nlohmann::ordered_json;
using preprocessing::ExitCode;
using preprocessing::ReadWhole;
using testing::HasSubstr;
using testing::SizeIs;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// Sales of three shops, learned from for twenty weeks. Then each week is forecast as of its
/// beginning, and happens.
class ForecastQualityTest : public model::TrainCommandTest {
 protected:
  static constexpr int kLearned = model::kDays;
  static constexpr int kWeek = 7;
  static constexpr int kWeeks = 8;
  static constexpr int kShift = 4;  ///< Weeks as before.

  ForecastQualityTest() {
    document_["training"]["folds"]["n_splits"] = 5;
    document_["training"]["model"]["trees"] = 20;
    std::mt19937 random(11);
    for (int shop = 0; shop < kShops; ++shop) {
      for (int day = kLearned; day < kLearned + kWeeks * kWeek; ++day) {
        amounts_.push_back({fmt::format("{:03}", shop), day, model::Sales(shop, day, random)});
      }
    }
  }

  /// From the fifth week behind the training on, times `factor`.
  void ShiftBy(double factor) {
    for (Amount& row : amounts_) {
      if (row.day >= kLearned + kShift * kWeek) row.amount *= factor;
    }
  }
  void TrainAndForecast() {
    Ingest();
    ASSERT_THAT(Train({"--until", DateOf(kLearned), "--force-promote"}),
                testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
        << err();
    for (int week = 0; week < kWeeks; ++week) {
      ASSERT_EQ(
          RunOf(PredictCommand(), {"predict", "--deploy", "sales", "--origin",
                                   DateOf(kLearned + week * kWeek), "--out", "table:forecasts"}),
          ExitCode::kDone)
          << err();
    }
  }
  ExitCode RunOf(const preprocessing::Command& command, Words words) {
    words.erase(words.begin());
    words.insert(words.end(), {"--models", models().string()});
    if (command.name != "models") words.insert(words.end(), {"--store", store()});
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        command, words, {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  ExitCode Quality(const Words& more, const std::string& model = "sales") {
    Words words{"drift", "quality", "--json", "--model", model};
    words.insert(words.end(), more.begin(), more.end());
    return RunOf(DriftCommand(), words);
  }
  static Words Cells(const std::string& row) {
    Words cells;
    std::istringstream left(row);
    for (std::string cell; std::getline(left, cell, ',');) cells.push_back(cell);
    return cells;
  }
  /// What a server would have captured of these forecasts: a request a shop and week.
  fs::path Captured(const std::string& version = "1", int status = 200) {
    const fs::path csv = folder_.path() / "forecasts.csv";
    std::string lines;
    for (int week = 0; week < kWeeks; ++week) {
      EXPECT_EQ(RunOf(PredictCommand(), {"predict", "--deploy", "sales", "--origin",
                                         DateOf(kLearned + week * kWeek), "--out", csv.string()}),
                ExitCode::kDone);
      std::map<std::string, ordered_json> by_shop;
      std::istringstream rows(ReadWhole(csv));
      std::string row;
      std::getline(rows, row);
      const Words names = Cells(row);
      while (std::getline(rows, row)) {
        const Words cells = Cells(row);
        ordered_json line{{"step", std::stoi(cells[2])}, {"period", cells[3]}};
        for (std::size_t i = 4; i < names.size(); ++i) {
          if (names[i] != "cold_start") line[names[i]] = std::stod(cells[i]);
        }
        by_shop[cells[0]].push_back(std::move(line));
      }
      for (const auto& [shop, forecast] : by_shop) {
        lines += CapturedLine("sales", version, {{"shop", shop}, {"at", nullptr}},
                              {{"shop", shop}, {"forecast", forecast}}, status);
      }
    }
    return folder_.Write("captured.jsonl", lines);
  }
};

TEST_F(ForecastQualityTest, IsSilentBeforeTheLevelShiftsAndAlarmsWithinThreeWeeks) {
  ShiftBy(3);
  TrainAndForecast();
  EXPECT_EQ(Quality({"--forecasts", "table:forecasts", "--record"}), ExitCode::kNo) << err();
  const ordered_json report = summary();
  EXPECT_EQ(report["windows"][0]["from"], DateOf(kLearned));
  EXPECT_EQ(report["windows"][0]["to"], DateOf(kLearned + 6));
  EXPECT_EQ(report["windows"][0]["rows"], kShops * kWeek);
  ASSERT_THAT(report["windows"], SizeIs(kWeeks));
  int first = 0;
  while (first < kWeeks && report["windows"][static_cast<std::size_t>(first)]["alarm"] == false) {
    ++first;
  }
  EXPECT_GE(first, kShift) << report.dump(2);
  EXPECT_LT(first, kShift + 3) << report.dump(2);

  ASSERT_EQ(RunOf(model::ModelsCommand(), {"models", "show", "sales", "--json"}), ExitCode::kDone);
  EXPECT_THAT(summary()["history"], SizeIs(kWeeks));
}

TEST_F(ForecastQualityTest, FindsNothingWhereNothingHasChanged) {
  TrainAndForecast();
  EXPECT_EQ(Quality({"--forecasts", "table:forecasts"}), ExitCode::kDone) << err();
  const ordered_json report = summary();
  ASSERT_THAT(report["windows"], SizeIs(kWeeks));
  for (const ordered_json& window : report["windows"]) EXPECT_EQ(window["alarm"], false);
}

TEST_F(ForecastQualityTest, FindsTheSameInWhatAServerCaptured) {
  ShiftBy(3);
  TrainAndForecast();
  (void)Quality({"--forecasts", "table:forecasts"});
  const ordered_json expected = summary()["windows"];
  EXPECT_EQ(Quality({"--capture", Captured().string()}), ExitCode::kNo) << err();
  EXPECT_EQ(summary()["windows"], expected);
}

TEST_F(ForecastQualityTest, CountsOnlyWhatThisVersionAnswered) {
  TrainAndForecast();
  EXPECT_EQ(Quality({"--capture", Captured("2").string()}), ExitCode::kDone) << err();
  EXPECT_THAT(summary()["windows"], SizeIs(0));
  EXPECT_EQ(Quality({"--capture", Captured("1", 422).string()}), ExitCode::kDone) << err();
  EXPECT_THAT(summary()["windows"], SizeIs(0));
}

TEST_F(ForecastQualityTest, TakesTheLastForecastOfAKeyPeriodAndStepAndTheNewestTruth) {
  TrainAndForecast();
  const auto answer = [](const std::string& shop, const std::string& period, double value) {
    return CapturedLine(
        "sales", "1", {{"shop", shop}},
        {{"shop", shop}, {"forecast", {{{"step", 1}, {"period", period}, {"value", value}}}}});
  };
  const std::string day = DateOf(kLearned);
  const fs::path file = folder_.Write(
      "captured.jsonl", answer("000", day, 1e6) + answer("000", day, 5) +
                            answer("000", DateOf(kLearned - 1), 7) + answer("999", day, 7) +
                            answer("000", DateOf(kLearned + kWeeks * kWeek), 7) +
                            CapturedLine("sales", "1", {{"shop", "000"}}, {{"shop", "000"}}) +
                            CapturedLine("sales", "1", {{"shop", "000"}},
                                         {{"predictions", {{{"error", {{"row", 0}}}}}}}));
  const auto mae = [&] {
    EXPECT_EQ(Quality({"--capture", file.string(), "--window", "1"}), ExitCode::kDone) << err();
    const ordered_json report = summary();
    for (const ordered_json& metric : report["windows"][0]["metrics"]) {
      if (metric["name"] == "mae") return metric["value"].get<double>();
    }
    return -1.0;
  };
  double& truth = std::ranges::find_if(amounts_, [](const Amount& row) {
                    return row.shop == "000" && row.day == kLearned;
                  })->amount;
  EXPECT_NEAR(mae(), std::abs(truth - 5), 1e-9);
  EXPECT_EQ(summary()["left_out"], (ordered_json{{"learned_from", 1},
                                                 {"open", 1},
                                                 {"told_again", 1},
                                                 {"unknown_key", 1},
                                                 {"unreadable", 1}}));
  truth = 25;
  Ingest();
  EXPECT_NEAR(mae(), 20, 1e-9);
}

/// A metric of all windows of the last report.
std::vector<ordered_json> OfAllWindows(const ordered_json& report, const std::string& name) {
  std::vector<ordered_json> found;
  for (const ordered_json& window : report["windows"]) {
    for (const ordered_json& metric : window["metrics"]) {
      if (metric["name"] == name) found.push_back(metric);
    }
  }
  return found;
}

/// Later days sell far more and far less in turn, so that the sum is as before.
TEST_F(ForecastQualityTest, AlarmsWhenValuesLieOutsideTheIntervalsThatWereTold) {
  document_["training"]["intervals"] = {0.8};
  document_["training"]["calibration_folds"] = 5;
  for (Amount& row : amounts_) {
    if (row.day >= kLearned + kShift * kWeek) row.amount *= row.day % 2 == 0 ? 1.9 : 0.1;
  }
  TrainAndForecast();
  EXPECT_EQ(Quality({"--forecasts", "table:forecasts"}), ExitCode::kNo) << err();
  const ordered_json report = summary();
  const std::vector<ordered_json> coverages = OfAllWindows(report, "coverage_80");
  ASSERT_THAT(coverages, SizeIs(kWeeks));
  for (int week = 0; week < kWeeks; ++week) {
    const ordered_json& one = coverages[static_cast<std::size_t>(week)];
    EXPECT_NEAR(one["folds"], 0.8, 0.12);
    if (week < kShift) {
      EXPECT_NEAR(one["value"], 0.8, 0.25) << week;
      EXPECT_NE(one["status"], "alarm") << week;
    } else {
      EXPECT_LT(one["value"], 0.4) << week;
    }
  }
  EXPECT_EQ(coverages.back()["status"], "alarm");
  EXPECT_EQ(Quality({"--capture", Captured().string()}), ExitCode::kNo) << err();
  EXPECT_EQ(summary()["windows"], report["windows"]);
}

TEST_F(ForecastQualityTest, LeavesAReportForOthersToShow) {
  ShiftBy(3);
  TrainAndForecast();
  const fs::path folder = folder_.path() / "drift";
  EXPECT_EQ(Quality({"--forecasts", "table:forecasts", "--report", folder.string()}),
            ExitCode::kNo);
  EXPECT_EQ(preprocessing::ReadJsonFile(folder / "quality" / "sales.json"), summary());
  std::ostringstream out;
  const SystemClock clock;
  EXPECT_EQ(static_cast<ExitCode>(preprocessing::RunCommand(
                DriftCommand(), {"report", folder.string(), "--html"},
                {.environment = NoEnvironment, .out = out, .err = err_, .clock = clock})),
            ExitCode::kNo);
  EXPECT_THAT(out.str(), HasSubstr("sales version 1: worse than in the folds"));
}

struct UsageCase {
  const char* name;
  Words words;
  ExitCode code;
  const char* message;
};
void PrintTo(const UsageCase& value, std::ostream* out) { *out << value.name; }

class WrongQuestion : public ForecastQualityTest, public testing::WithParamInterface<UsageCase> {};

TEST_P(WrongQuestion, IsToldWhatIsWrong) {
  TrainAndForecast();
  EXPECT_EQ(Quality(GetParam().words), GetParam().code);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongQuestion,
    testing::Values(UsageCase{"WithoutAnswers", {}, ExitCode::kUsage, "one of --capture and"},
                    UsageCase{"WithTwoPlaces",
                              {"--capture", "a", "--forecasts", "b"},
                              ExitCode::kUsage,
                              "one of --capture and"},
                    UsageCase{"OfWhatIsNotThere",
                              {"--capture", "/nowhere"},
                              ExitCode::kUnfit,
                              "/nowhere: nothing is there"},
                    UsageCase{"OfATableThatIsNotThere",
                              {"--forecasts", "table:none"},
                              ExitCode::kUsage,
                              "none"}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace forkcast::serving
