#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "model/artefact/registry.hpp"
#include "model/forecast/candidate_choice.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/sales_testing.hpp"
#include "model/learn/version_testing.hpp"

namespace forkcast::model {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Sales of three shops by day: of the second a walk, for which the last value is the best there
/// is; of the others a level with a peak on the day before each fold's test, for which a mean is.
class Candidates : public TrainCommandTest {
 protected:
  Candidates() {
    std::mt19937 random(11);
    std::normal_distribution<double> noise(0, 2);
    std::normal_distribution<double> step(0, 8);
    double walk = 600;
    for (std::size_t i = 0; i < amounts_.size(); ++i) {
      walk += step(random);
      const std::size_t shop = i / kDays;
      const double level = i % 7 == 6 ? 150 : 100;
      amounts_[i].amount = shop == 1 ? walk : level + noise(random);
    }
    document_["training"].erase("model");
    document_["training"]["candidates"] = ordered_json::parse(R"([
      {"model": {"algorithm": "naive"}}, {"model": {"algorithm": "moving_average", "window": 28}}])");
    document_["training"]["choose_folds"] = 6;
    document_["training"]["baselines"] = {"zero"};
  }
  void Choose(const char* how) { document_["training"]["choose"] = how; }
  ordered_json Chosen() { return evaluation()["candidates"]; }
};

TEST_F(Candidates, AreChosenForEachKeyWherePastFoldsBearIt) {
  Choose("per_key");
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const ordered_json chosen = Chosen()["chosen"];
  EXPECT_EQ(chosen["naive"]["keys"], 1) << "the walk";
  EXPECT_EQ(chosen["moving_average"]["keys"], 2);
  double error = 0;
  const ordered_json alone = Chosen()["candidates"];
  for (const ordered_json& one : alone) {
    error = std::max(error, one["wape"].get<double>());
  }
  EXPECT_LT(evaluation()["value"].get<double>(), error) << "better than the worse one for all";
  const auto version = ForecastVersion::Read(*Registry(models()).Find("sales", "1"));
  ASSERT_TRUE(version) << version.error().message;
  const auto model = version->Model();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->candidates()[0] && model->candidates()[1]);
}

TEST_F(Candidates, AreJudgedAsTheOneThatWonBefore) {
  Choose("one");
  for (Amount& row : amounts_) {
    if (row.shop == "001") row.amount = 60;  // what naive is good at
  }
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const ordered_json alone = Chosen()["candidates"];
  EXPECT_EQ(Chosen()["chosen"]["moving_average"]["weight"], 1.0);
  EXPECT_EQ(Chosen()["chosen"]["naive"]["weight"], 0.0);
  EXPECT_NEAR(evaluation()["value"], alone[1]["wape"], 1e-12);
  const ordered_json files = manifest(1)["files"];
  EXPECT_THAT(files.dump(), HasSubstr("model/candidates/1/history.json"));
  EXPECT_THAT(files.dump(), Not(HasSubstr("model/candidates/0/")));
}

TEST_F(Candidates, AreNotChosenByWhatTheyAreJudgedOn) {
  Choose("per_key");
  Ingest();
  ASSERT_THAT(Evaluate(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const ordered_json before = Chosen()["chosen_by_fold"];
  const double error = evaluation()["folds"].back()["wape"];
  for (std::size_t i = 0; i < amounts_.size(); ++i) {
    const std::size_t day = i % kDays;
    // In the last fold's test every shop becomes a walk that never turns.
    if (day >= kDays - kHorizon) {
      amounts_[i].amount = 1000.0 * static_cast<double>(day - kDays + kHorizon + 1);
    }
  }
  Ingest();
  ASSERT_THAT(Evaluate(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  EXPECT_EQ(Chosen()["chosen_by_fold"], before);
  EXPECT_GT(evaluation()["folds"].back()["wape"], 2 * error) << "it is judged by it";
}

TEST_F(Candidates, MayBeTheirMean) {
  for (const char* const how : {"mean", "weighted_mean"}) {
    Choose(how);
    Ingest();
    ASSERT_THAT(Evaluate(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
    const double naive = Chosen()["chosen"]["naive"]["weight"];
    const double average = Chosen()["chosen"]["moving_average"]["weight"];
    EXPECT_EQ(std::max(naive, average), 1.0);
    EXPECT_EQ(naive == average, std::string_view(how) == "mean") << how;
    EXPECT_GT(std::min(naive, average), 0.0);
  }
}

TEST_F(Candidates, AreToldInTheTables) {
  Choose("one");
  Show(Shows::kTables);
  Ingest();
  ASSERT_THAT(Evaluate(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  EXPECT_THAT(out(), HasSubstr("chosen (one, by the 6 folds before)"));
  EXPECT_THAT(out(), HasSubstr("moving_average"));
}

TEST_F(Candidates, NeedAHistoryForTheFoldsByWhichTheyAreChosen) {
  document_["training"]["choose_folds"] = 40;
  Ingest();
  EXPECT_EQ(Evaluate(), ExitCode::kUnfit);
  EXPECT_THAT(err(), HasSubstr("candidates need 40 folds more than the 3 that are judged"));
}

struct BadTraining {
  const char* name;
  const char* patch;  ///< Of the section `training`.
  const char* message;
};
void PrintTo(const BadTraining& one, std::ostream* out) { *out << one.name; }

class BadCandidates : public Candidates, public testing::WithParamInterface<BadTraining> {};

TEST_P(BadCandidates, AreRefusedWithTheirPlace) {
  document_["training"].merge_patch(ordered_json::parse(GetParam().patch));
  Ingest();
  EXPECT_EQ(Evaluate(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Declarations, BadCandidates,
    testing::Values(
        BadTraining{"BesideAModel", R"({"model": {"algorithm": "naive"}})",
                    "$.training.model: each of \"candidates\" says it for itself"},
        BadTraining{"One", R"({"candidates": [{"model": {"algorithm": "naive"}}]})",
                    "$.training.candidates: expected at least two"},
        BadTraining{"UnknownRule", R"({"choose": "best"})",
                    "$.training.choose: expected one, per_key, mean or weighted_mean"},
        BadTraining{"OfOneName",
                    R"({"candidates": [{"name": "a", "model": {"algorithm": "naive"}},
                                       {"name": "a", "model": {"algorithm": "zero"}}]})",
                    "$.training.candidates[1].name: given twice"},
        BadTraining{"WithoutRefit", R"({"folds": {"refit": false}})",
                    "$.training.folds.refit: candidates are chosen anew in each fold"},
        BadTraining{"UnknownAlgorithm",
                    R"({"candidates": [{"model": {"algorithm": "arima"}},
                                       {"model": {"algorithm": "zero"}}]})",
                    "$.training.candidates[0].model.algorithm: expected random_forest"},
        BadTraining{"ChoiceOfNothing", R"({"candidates": null, "model": {"algorithm": "naive"}})",
                    "there are no \"candidates\" to choose from"},
        BadTraining{"FeaturesOfAHistory",
                    R"({"candidates": null, "choose_folds": null,
                        "model": {"algorithm": "ets"}, "hidden": ["last"]})",
                    "$.training.hidden: has no meaning for an algorithm that learns from each "
                    "key's history"}),
    [](const auto& param) { return param.param.name; });

/// Sales of three shops, learned by exponential smoothing.
class Histories : public TrainCommandTest {
 protected:
  Histories() {
    document_["training"]["model"] = {{"algorithm", "ets"}, {"season", 7}, {"model", "AZA"}};
  }
};

TEST_F(Histories, ArePublishedWithWhatWasLearnedOfEachKey) {
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  EXPECT_EQ(manifest(1)["models"], kShops);
  const ordered_json learned =
      ordered_json::parse(preprocessing::ReadWhole(version(1) / "model" / "history.json"));
  ASSERT_EQ(learned["keys"].size(), kShops);
  for (const ordered_json& key : learned["keys"]) {
    EXPECT_THAT(key["form"], AnyOf("ETS(A,N,A)", "ETS(A,Ad,A)", "ETS(A,A,A)"));
    EXPECT_EQ(key["parameters"].size(), 6U + 7U);
  }
  std::size_t keys = 0;
  const ordered_json forms = evaluation()["forms"];
  for (const ordered_json& count : forms) keys += count.get<std::size_t>();
  EXPECT_EQ(keys, kShops);
}

TEST_F(Histories, TellWhatStandsInForAShortOne) {
  for (int day = kDays - 5; day < kDays; ++day) amounts_.push_back({"new", day, 3.0 + day % 2});
  Show(Shows::kTables);
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const std::string learned = preprocessing::ReadWhole(version(1) / "model" / "history.json");
  EXPECT_THAT(learned, HasSubstr("\"form\":\"naive\""));
}

TEST_F(Histories, HaveNoModelOfTheirOwnToReplace) {
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  EXPECT_EQ(Train({"--only-key", "001"}), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("are trained for all keys together"));
}

TEST_F(Histories, ThatAreNotAsTheyWerePublishedAreRefused) {
  Ingest();
  ASSERT_THAT(Train(), AnyOf(ExitCode::kDone, ExitCode::kGate)) << err();
  const auto read = ForecastVersion::Read(*Registry(models()).Find("sales", "1"));
  ASSERT_TRUE(read) << read.error().message;
  std::vector<ArtefactFile> files;
  for (const PublishedFile& file : read->files()) {
    files.push_back({file.path, preprocessing::ReadWhole(file.place)});
  }
  const preprocessing::TempFolder folder;
  const auto load = [&](const std::function<void(ordered_json&)>& change) {
    std::vector<ArtefactFile> changed = files;
    for (ArtefactFile& file : changed) {
      if (file.path != "model/history.json") continue;
      ordered_json json = ordered_json::parse(file.bytes);
      change(json);
      file.bytes = json.dump();
    }
    const auto model = ForecastModel::Load(WriteFiles(changed, folder), read->spec(), read->plan());
    return model ? std::string() : model.error().message;
  };
  EXPECT_THAT(load([](ordered_json&) {}), IsEmpty());
  EXPECT_THAT(load([](ordered_json& json) { json["keys"].erase(0); }),
              HasSubstr("expected 3 keys, got 2"));
  EXPECT_THAT(load([](ordered_json& json) { json["keys"][1]["parameters"].erase(0); }),
              HasSubstr("$.keys[1]: not the parameters of its form"));
  EXPECT_THAT(load([](ordered_json& json) { json["keys"][1]["form"] = "ETS(A,M,A)"; }),
              HasSubstr("$.keys[1]: no form of exponential smoothing"));
  EXPECT_THAT(load([](ordered_json& json) { json["keys"][2].erase("from"); }),
              HasSubstr("\"from\" is missing"));
  EXPECT_THAT(load([](ordered_json& json) { json["format_version"] = 2; }),
              HasSubstr("$.format_version"));
}

CandidateRow Row(std::size_t fold, std::uint32_t key, double actual, std::vector<double> says) {
  return {.fold = fold,
          .step = 1,
          .point = {.key = key, .period = static_cast<std::int64_t>(fold)},
          .actual = actual,
          .mase_scale = 1,
          .forecasts = std::move(says)};
}

TrainingPlan PlanOf(CandidateChoice choice) {
  TrainingPlan plan;
  plan.metric = Metric("mae");
  plan.choice = choice;
  plan.candidates.resize(2);
  return plan;
}

TEST(ChooseCandidates, GivesAKeyItsOwnOnlyWhereThatWasBetterInMostFolds) {
  std::vector<CandidateRow> rows;
  for (std::size_t fold = 0; fold < 4; ++fold) {
    rows.push_back(Row(fold, 0, 10, {10, 20}));
    rows.push_back(Row(fold, 1, 10, {12, 10}));  // the second is better in each
    rows.push_back(Row(fold, 2, 10, {fold == 0 ? 90.0 : 10.0, 11}));  // in one, by much
  }
  const auto chosen = ChooseCandidates(PlanOf(CandidateChoice::kPerKey), rows);
  ASSERT_TRUE(chosen);
  // For all the second is better: 4 * 10 + 4 beside 8 + 80.
  EXPECT_THAT(chosen->shared, ElementsAre(0, 1));
  EXPECT_THAT(chosen->own, ElementsAre(std::pair(0U, 0U)));
}

TEST(ChooseCandidates, ComparesOnRowsThatAllHaveAndLeavesOutWhoHasFew) {
  const double none = std::nan("");
  std::vector<CandidateRow> rows;
  for (std::size_t fold = 0; fold < 10; ++fold) {
    rows.push_back(Row(fold, 0, 10, {fold < 5 ? none : 10, 12}));
  }
  const auto few = ChooseCandidates(PlanOf(CandidateChoice::kOne), rows);
  EXPECT_THAT(few->shared, ElementsAre(0, 1)) << "the first has a forecast for half of the rows";
  for (std::size_t fold = 0; fold < 4; ++fold) rows[fold].forecasts[0] = 11;
  rows[9].forecasts[1] = 500;
  rows[4].forecasts[1] = 1e9;
  EXPECT_THAT(ChooseCandidates(PlanOf(CandidateChoice::kOne), rows)->shared, ElementsAre(1, 0));
  EXPECT_FALSE(ChooseCandidates(PlanOf(CandidateChoice::kOne), {}));
}

TEST(Blend, IsTheWeightedMeanOfThoseThatHaveAForecast) {
  const std::vector<double> weights{0.5, 0.25, 0};
  EXPECT_DOUBLE_EQ(Blend(weights, std::vector{10.0, 40.0, 99.0}), 20);
  EXPECT_EQ(Blend(weights, std::vector{std::nan(""), 0.1, 99.0}), 0.1);
  EXPECT_TRUE(std::isnan(Blend(weights, std::vector{std::nan(""), std::nan(""), 1.0})));
}

}  // namespace
}  // namespace forkcast::model
