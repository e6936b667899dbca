// Intervals of a pipeline: how they are asked for, judged, published and served.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/backtest.hpp"
#include "model/forecast/fold_intervals.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::ReadWhole;
using preprocessing::Table;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class IntervalTraining : public TrainCommandTest {
 protected:
  IntervalTraining() {
    document_["training"]["model"]["trees"] = 10;
    document_["training"]["intervals"] = {0.95, 0.8};
    document_["training"]["calibration_folds"] = kFolds;
  }

  struct Prepared {
    preprocessing::PipelineSpec spec;
    TrainingPlan plan;
    std::unique_ptr<ForecastData> data;
    std::optional<Backtest> backtest;
  };
  /// The validation of what is ingested, of periods up to `last_day` days behind the first.
  [[nodiscard]] std::unique_ptr<Prepared> Validated(int days = kDays) const {
    auto made = std::make_unique<Prepared>();
    made->spec = *preprocessing::ParsePipelineSpec(document_.dump(), folder_.path());
    made->plan = ReadTrainingPlan(JsonNode(document_), made->spec, TrainerKinds());
    made->data = *ForecastData::Open(made->spec, Snapshots());
    const auto all = *made->data->grid().AllPeriods();
    const PeriodRange periods{all.first, all.first + days - 1};
    const auto examples =
        *StepExamples::Compute(*made->data, made->plan, periods, made->data->AllKeys());
    made->backtest = *RunBacktest(*made->data, made->plan, examples, periods,
                                  [](const BacktestStage&) { return true; });
    return made;
  }
  [[nodiscard]] fs::path Snapshots() const { return folder_.path() / "o.db.snapshots"; }
  [[nodiscard]] Result<ForecastVersion> Published() const {
    return ForecastVersion::Read(*Registry(models()).Find("sales", "1"));
  }
};

TEST_F(IntervalTraining, IsJudgedByFoldAndStepAndByTheSizeOfKeys) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json all = evaluation()["intervals"];
  EXPECT_EQ(all["levels"], ordered_json({0.8, 0.95}));
  EXPECT_EQ(all["rows_without"], 0);
  EXPECT_EQ(all["interval_rows"], kShops * kHorizon * kFolds);
  EXPECT_NEAR(all["coverage_80"], 0.8, 0.15);
  EXPECT_NEAR(all["coverage_95"], 0.95, 0.06);
  EXPECT_LT(all["width_80"], all["width_95"]);
  EXPECT_NEAR(all["coverage_80"].get<double>() + all["below_80"].get<double>() +
                  all["above_80"].get<double>(),
              1, 1e-12);
  ASSERT_EQ(all["key_sizes"].size(), 3U);
  EXPECT_LT(all["key_sizes"][0]["width_80"], all["key_sizes"][2]["width_80"]);
  for (const char* const parts : {"folds", "steps"}) {
    std::size_t rows = 0;
    const ordered_json found = evaluation()[parts];
    for (const ordered_json& part : found) {
      rows += part["interval_rows"].get<std::size_t>();
      for (const char* name : {"coverage_80", "width_95", "pinball_80", "wis", "wql", "sql"}) {
        EXPECT_TRUE(part[name].is_number()) << parts << ' ' << name;
      }
    }
    EXPECT_EQ(rows, all["interval_rows"]) << parts;
  }
}

TEST_F(IntervalTraining, ShowsThemInTablesAndOnThePage) {
  Ingest();
  Show(Shows::kTables);
  const std::string page = (folder_.path() / "report.html").string();
  ASSERT_EQ(Evaluate({"--report", page}), ExitCode::kDone) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("% in 80"), HasSubstr("width 95"), HasSubstr("large keys"),
                           HasSubstr("step 7"), Not(HasSubstr("have no intervals"))));
  EXPECT_THAT(ReadWhole(page), AllOf(HasSubstr("<h2>Intervals</h2>"), HasSubstr("% in 95")));
}

TEST_F(IntervalTraining, ChangesNothingElse) {
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  ordered_json with = evaluation();
  document_["training"].erase("intervals");
  document_["training"].erase("calibration_folds");
  SetDocument();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json without = evaluation();
  EXPECT_FALSE(without.contains("intervals"));
  EXPECT_FALSE(without["folds"][0].contains("wis"));
  EXPECT_EQ(with["metrics"], without["metrics"]);
  EXPECT_EQ(with["baselines"], without["baselines"]);
  EXPECT_EQ(with["folds"][0]["train_from"], without["folds"][0]["train_from"]);
}

/// What a fold's intervals are is settled by what had happened by its origin: the last days change
/// those of no fold before.
TEST_F(IntervalTraining, KnowsNothingOfWhatHappensAfterAFoldsOrigin) {
  Ingest();
  const auto before = Validated();
  for (Amount& row : amounts_) {
    if (row.day >= kDays - kHorizon) row.amount = 5000;
  }
  Ingest();
  const auto after = Validated();
  const std::vector<JudgedForecast>& rows = before->backtest->rows;
  ASSERT_EQ(after->backtest->rows.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(after->backtest->rows[i].intervals, rows[i].intervals);
  }
  EXPECT_NE(after->backtest->intervals->all.wis(), before->backtest->intervals->all.wis());
}

/// Folds that overlap: the one before has not ended when a fold begins.
TEST_F(IntervalTraining, TakesOfAnEarlierFoldOnlyWhatHadHappened) {
  document_["training"]["folds"]["step"] = 3;
  Ingest();
  const auto before = Validated();
  for (Amount& row : amounts_) {
    if (row.day >= kDays - kHorizon) row.amount = 5000;
  }
  Ingest();
  const auto after = Validated();
  const std::vector<JudgedForecast>& rows = before->backtest->rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(after->backtest->rows[i].intervals, rows[i].intervals);
  }
}

TEST_F(IntervalTraining, LeavesTheFirstFoldWithoutIntervalsWhenNothingIsCalibrated) {
  document_["training"]["calibration_folds"] = 0;
  document_["training"]["intervals"] = {0.8};
  Ingest();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_EQ(evaluation()["intervals"]["rows_without"], kShops * kHorizon);
  EXPECT_EQ(evaluation()["folds"][0]["interval_rows"], 0);
  EXPECT_EQ(evaluation()["folds"][0]["coverage_80"], nullptr);
  EXPECT_EQ(evaluation()["folds"][1]["interval_rows"], kShops * kHorizon);
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), HasSubstr("21 of 63 judged rows have no intervals"));
}

/// By key, origin and step.
using Answered =
    std::map<std::tuple<std::string, std::int64_t, std::size_t>, std::vector<PredictionInterval>>;

/// Intervals are made of as many folds as are judged or, if there are more, calibrate.
class CalibratedIntervals : public IntervalTraining, public testing::WithParamInterface<int> {
 protected:
  CalibratedIntervals() { document_["training"]["calibration_folds"] = GetParam(); }
};

/// The version that is trained at a fold's origin answers the intervals that were judged there, bit
/// for bit.
TEST_P(CalibratedIntervals, AreServedAsTheyWereJudged) {
  Ingest();
  const auto validated = Validated();
  const Backtest& backtest = *validated->backtest;
  const Fold& fold = backtest.folds.back();
  Answered judged;
  for (const JudgedForecast& row : backtest.rows) {
    if (row.fold + 1 != backtest.folds.size()) continue;
    const auto& [point, step, value] = row.forecast;
    judged[{validated->data->KeyName(point.key), fold.origin, step}] = row.intervals;
  }

  ASSERT_THAT(Train({"--until", validated->data->FirstDay(fold.origin + 1), "--force-promote"}),
              testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
      << err();
  const auto version = Published();
  ASSERT_TRUE(version) << version.error().message;
  const auto forecaster = *Forecaster::Open(*version, Snapshots(), std::nullopt);
  EXPECT_THAT(forecaster->levels(), testing::ElementsAre(0.8, 0.95));
  ForecastSession session(*forecaster);
  ForecastAnswer answer;
  Answered served;
  for (int shop = 0; shop < kShops; ++shop) {
    const std::string key = fmt::format("{:03}", shop);
    Table rows(version->spec().request.fields);
    rows.column(0).AppendText(key);
    rows.column(1).AppendTimestamp(forecaster->grid().VisibleFrom(fold.origin));
    const Status done = session.Forecast({.rows = rows, .now = {}}, answer);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(answer.intervals.size(), 2 * answer.steps.size());
    for (std::size_t i = 0; i < answer.steps.size(); ++i) {
      served[{key, answer.origin, answer.steps[i].step}] = {answer.intervals[2 * i],
                                                            answer.intervals[2 * i + 1]};
    }
  }
  EXPECT_EQ(served, judged);
  const ordered_json file = ordered_json::parse(ReadWhole(this->version(1) / "intervals.json"));
  EXPECT_EQ(file["errors"], kShops * kHorizon * GetParam());
}

INSTANTIATE_TEST_SUITE_P(Folds, CalibratedIntervals, testing::Values(kFolds, kFolds + 2),
                         [](const auto& param) { return fmt::format("By{}", param.param); });

TEST_F(IntervalTraining, RefusesAVersionWhoseIntervalsAreMissing) {
  Ingest();
  ASSERT_THAT(Train({"--force-promote"}), testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
      << err();
  ASSERT_TRUE(Published()->Intervals());
  const ordered_json file = ordered_json::parse(ReadWhole(version(1) / "intervals.json"));
  EXPECT_EQ(file["not_negative"], true);
  EXPECT_EQ(file["errors"], kShops * kHorizon * kFolds);
  fs::remove(version(1) / "intervals.json");
  const auto damaged = Published();
  EXPECT_FALSE(damaged && damaged->Intervals());
}

/// Keys that are trained anew have models of their own, and the intervals of all.
TEST_F(IntervalTraining, KeepsThoseOfTheBaseWhenKeysAreReplaced) {
  document_["training"]["scope"] = "per_key";
  Ingest();
  ASSERT_THAT(Train({"--force-promote"}), testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
      << err();
  ASSERT_THAT(Train({"--only-key", "001", "--from-version", "1", "--force-promote"}),
              testing::AnyOf(ExitCode::kDone, ExitCode::kGate))
      << err();
  EXPECT_EQ(ReadWhole(version(2) / "intervals.json"), ReadWhole(version(1) / "intervals.json"));
  const auto replaced = ForecastVersion::Read(*Registry(models()).Find("sales", "2"));
  ASSERT_TRUE(replaced) << replaced.error().message;
  EXPECT_TRUE(replaced->Intervals());
}

struct BadIntervals {
  std::string name;
  std::function<void(ordered_json& training)> change;
  std::string message;
  ExitCode code = ExitCode::kUsage;  ///< Of what is wrong whatever the data are.
};
void PrintTo(const BadIntervals& one, std::ostream* out) { *out << one.name; }

class IntervalsThat : public IntervalTraining, public testing::WithParamInterface<BadIntervals> {};

TEST_P(IntervalsThat, IsRefusedBeforeAnythingIsTrained) {
  Ingest();
  GetParam().change(document_["training"]);
  SetDocument();
  EXPECT_EQ(Train({"--dry-run"}), GetParam().code) << out();
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, IntervalsThat,
    testing::Values(
        BadIntervals{"HaveALevelOf0",
                     [](auto& training) {
                       training["intervals"] = {0, 0.8};
                     },
                     "$.training.intervals[0]: expected a level above 0 and below 1"},
        BadIntervals{"HaveALevelOf1", [](auto& training) { training["intervals"] = {1}; },
                     "$.training.intervals[0]: expected a level above 0 and below 1"},
        BadIntervals{"HaveALevelInPercent", [](auto& training) { training["intervals"] = {80}; },
                     "$.training.intervals[0]"},
        BadIntervals{"HaveALevelTwice",
                     [](auto& training) {
                       training["intervals"] = {0.8, 0.95, 0.8};
                     },
                     "$.training.intervals[2]: the level 0.8 is given twice"},
        BadIntervals{"HaveNoLevel",
                     [](auto& training) { training["intervals"] = ordered_json::array(); },
                     "$.training.intervals: expected at least one level"},
        BadIntervals{"AreMissing", [](auto& training) { training.erase("intervals"); },
                     "$.training.calibration_folds: only \"intervals\" are calibrated"},
        BadIntervals{"NeedMoreErrorsThanThereAre",
                     [](auto& training) {
                       training["intervals"] = {0.8, 0.99};
                     },
                     "an interval of level 0.99 needs at least 199 forecasts to compare with what "
                     "happened, and the folds have 63",
                     ExitCode::kUnfit},
        // The folds have 126, and a version is published with those of half of them.
        BadIntervals{"NeedMoreErrorsThanTheirFoldsHave",
                     [](auto& training) { training["intervals"] = {0.98}; },
                     "an interval of level 0.98 needs at least 99 forecasts to compare with what "
                     "happened, and the folds have 63",
                     ExitCode::kUnfit},
        BadIntervals{"NeedMoreHistoryThanThereIs",
                     [](auto& training) { training["calibration_folds"] = 20; },
                     "too little history: 20 folds to calibrate intervals by, with step 7, need "
                     "141 periods that the first judged fold trains on, and there are 119",
                     ExitCode::kUnfit}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
