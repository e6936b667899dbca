#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>

#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/sales_testing.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;

/// A champion, and rows that came after it.
class RetrainCommandTest : public TrainCommandTest {
 protected:
  ExitCode Retrain(const Words& flags = {}) {
    Words words{"--name", "sales", "--store", store(), "--models", models().string(), "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        RetrainCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  /// The days of the week change places from `day` on.
  void ChangeThePattern(int day) {
    for (Amount& row : amounts_) {
      if (row.day >= day && row.day % 7 < 4) row.amount *= 4;
    }
  }
  [[nodiscard]] ordered_json verdict() const {
    return ordered_json::parse(preprocessing::ReadWhole(models() / "sales" / "retrain.json"));
  }
  [[nodiscard]] std::uint64_t Champion() const {
    return Registry(models()).Find("sales", "champion")->number;
  }
};

TEST_F(RetrainCommandTest, GivesTheChampionsPlaceToWhoLearnedWhatHasChanged) {
  ChangeThePattern(70);
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(70)}), ExitCode::kDone) << err();
  ASSERT_EQ(Champion(), 1U);
  ASSERT_EQ(Retrain(), ExitCode::kDone) << err();
  EXPECT_EQ(Champion(), 2U);
  const ordered_json contest = manifest(2)["contest"];
  EXPECT_EQ(summary()["contest"], contest);
  EXPECT_TRUE(contest["is_better"]);
  EXPECT_EQ(contest["champion"], 1);
  EXPECT_EQ(contest["metric"], "wape");
  EXPECT_EQ(contest["rows"], kShops * kHorizon * kFolds);
  EXPECT_EQ(contest["rows_seen_by_champion"], 0);
  EXPECT_EQ(contest["groups"], kShops * kFolds);
  EXPECT_LE(contest["p"].get<double>(), 0.05);
  // The same errors, added up in another order.
  EXPECT_NEAR(contest["challenger_error"].get<double>(), evaluation()["value"].get<double>(),
              1e-12);
  EXPECT_GT(contest["champion_error"].get<double>(), contest["challenger_error"].get<double>());
  EXPECT_THAT(contest["why"].get<std::string>(), HasSubstr("The challenger is better"));
  EXPECT_EQ(contest["alias"], "champion");
  EXPECT_EQ(verdict()["result"], "promoted");
  EXPECT_EQ(verdict()["model"], "sales");
  EXPECT_EQ(verdict()["champion"], 1);
  EXPECT_EQ(verdict()["version"], 2);
  EXPECT_EQ(verdict()["contest"], contest);
  EXPECT_EQ(verdict()["why"], contest["why"]);
}

/// A way to forecast, by members that replace those of the section `training`.
struct Way {
  const char* name;
  const char* training;  ///< Null: without the member.
  /// Better than the champion, which a forecast that reads the history anew is not, and than the
  /// baselines.
  bool takes_its_place = true;
};
std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

class EveryKindOfForecast : public RetrainCommandTest, public testing::WithParamInterface<Way> {
 protected:
  EveryKindOfForecast() {
    ordered_json& training = document_["training"];
    const ordered_json changes = ordered_json::parse(GetParam().training);
    for (const auto& [name, member] : changes.items()) {
      training[name] = member;
      if (member.is_null()) training.erase(name);
    }
  }
};

TEST_P(EveryKindOfForecast, ScoresTheChampionAsItIs) {
  // What was judged of the model of the last fold is what a champion of the same rows would say.
  document_["training"]["folds"]["n_splits"] = 1;
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(kDays - kHorizon), "--force-promote"}), ExitCode::kDone)
      << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  const ordered_json contest = summary()["contest"];
  EXPECT_EQ(contest["rows"], kShops * kHorizon);
  EXPECT_EQ(contest["rows_seen_by_champion"], 0);
  EXPECT_EQ(contest["champion_error"], contest["challenger_error"]) << contest.dump(1);
  EXPECT_EQ(contest["p"], 1.0);
}

TEST_P(EveryKindOfForecast, IsJudgedOnTheSameRowsAsTheChampionAndTakesItsPlaceWhenItIsBetter) {
  ChangeThePattern(70);
  document_["training"]["folds"]["n_splits"] = 4;
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(70), "--force-promote"}), ExitCode::kDone) << err();
  const ExitCode code = Retrain({"--least-gain", "0"});
  const ordered_json contest = summary()["contest"];
  EXPECT_EQ(contest["rows"], 4 * kShops * kHorizon) << err();
  EXPECT_NEAR(contest["challenger_error"].get<double>(), evaluation()["value"].get<double>(),
              1e-12);
  const bool is_better = GetParam().takes_its_place;
  EXPECT_EQ(code, is_better ? ExitCode::kDone : ExitCode::kGate) << contest.dump(1);
  EXPECT_EQ(Champion(), is_better ? 2U : 1U);
  EXPECT_EQ(verdict()["result"], is_better ? "promoted" : "kept");
  ASSERT_EQ(Retrain({"--least-gain", "0"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["nothing_new"], true);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryKindOfForecast,
    testing::Values(Way{"Boosting", "{}"}, Way{"Intervals", R"({"intervals": [0.8]})"},
                    Way{"Ridge", R"({"model": {"algorithm": "ridge", "alpha": 1},
                                     "transforms": {"last": {"impute": "mean"},
                                                    "week_ago": {"impute": "mean"},
                                                    "same_day": {"impute": "mean"}}})",
                        false},
                    Way{"Histories", R"({"model": {"algorithm": "theta", "season": 7}})", false},
                    Way{"Candidates",
                        R"({"model": null, "choose": "mean", "candidates": [
                             {"model": {"algorithm": "gradient_boosting", "trees": 40,
                                        "learning_rate": 0.15, "max_depth": 3,
                                        "min_child_weight": 5, "seed": 1}},
                             {"model": {"algorithm": "theta", "season": 7}}]})",
                        false}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(RetrainCommandTest, ComparesWithAChampionOfAnotherPipelineByThatOnesOwnFeatures) {
  document_["training"]["folds"]["n_splits"] = 1;
  const std::string trees = folder_.Write("trees.json", document_.dump());
  document_["training"]["model"] = {{"algorithm", "ridge"}};
  document_["features"] = ordered_json::parse(R"([
    {"name": "long_ago", "op": "seasonal_lag", "series": "daily", "value": "amount",
     "key": ["shop"], "season": 7, "seasons": 8, "missing": {"value": 0}}])");
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(kDays - kHorizon), "--force-promote"}), ExitCode::kDone)
      << err();
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const double of_the_champion = evaluation()["value"];  // its last fold's model is the champion
  ASSERT_EQ(Retrain({"--pipeline", trees, "--most-chance", "1"}), ExitCode::kDone) << err();
  EXPECT_EQ(Champion(), 2U);
  const ordered_json contest = summary()["contest"];
  EXPECT_EQ(contest["rows"], kShops * kHorizon);
  EXPECT_NEAR(contest["champion_error"].get<double>(), of_the_champion, 1e-12);
  EXPECT_NEAR(contest["challenger_error"].get<double>(), evaluation()["value"].get<double>(),
              1e-12);
  EXPECT_LT(contest["challenger_error"].get<double>(), of_the_champion);
}

TEST_F(RetrainCommandTest, RefusesAPipelineThatForecastsSomethingElse) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  document_["forecast"]["horizon"] = 3;
  const std::string shorter = folder_.Write("shorter.json", document_.dump());
  EXPECT_EQ(Retrain({"--pipeline", shorter}), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("version 1 of sales forecasts something else, and so is no rival: 7 "
                               "periods, not 3"));
  EXPECT_FALSE(fs::exists(version(2)));
}

TEST_F(RetrainCommandTest, TrainsNothingWhenNothingIsNewAndSaysSo) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kDone) << err();
  EXPECT_FALSE(fs::exists(version(2)));
  EXPECT_EQ(summary()["nothing_new"], true);
  EXPECT_EQ(verdict()["result"], "nothing_new");
  EXPECT_EQ(verdict()["version"], 1);
  EXPECT_THAT(verdict()["why"].get<std::string>(), HasSubstr("and is the champion"));
  EXPECT_EQ(Retrain({"--require-promotion"}), ExitCode::kGate) << err();
  EXPECT_FALSE(fs::exists(version(2)));
}

TEST_F(RetrainCommandTest, DoesNotTrainAChallengerThatLostAgain) {
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(kDays - 1)}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  ASSERT_EQ(verdict()["result"], "kept");
  ASSERT_EQ(Retrain(), ExitCode::kDone) << err();
  EXPECT_FALSE(fs::exists(version(3)));
  EXPECT_EQ(verdict()["version"], 2);
  EXPECT_EQ(verdict()["contest"], manifest(2)["contest"]);
  ASSERT_EQ(Retrain({"--seed", "2"}), ExitCode::kGate) << err();
  EXPECT_TRUE(fs::exists(version(3)));
}

TEST_F(RetrainCommandTest, TakesRowsInFirst) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const std::string file = folder_.Write(
      "newer.csv",
      fmt::format("shop,day,amount\n000,{0},12\n001,{0},13\n002,{0},14\n", DateOf(kDays)));
  ASSERT_EQ(Retrain({"--file", "sales=" + file}), ExitCode::kGate) << err();
  EXPECT_EQ(manifest(2)["data"]["to"], DateOf(kDays));
  EXPECT_EQ(manifest(2)["data"]["periods"], kDays + 1);
}

TEST_F(RetrainCommandTest, TrainsWhenRowsHaveComeOrHaveChanged) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  amounts_.front().amount += 1;
  Ingest();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  EXPECT_TRUE(fs::exists(version(2)));
}

TEST_F(RetrainCommandTest, KeepsAChampionThatIsAsGoodAndSaysThatItHasSeenTheRows) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--again"}), ExitCode::kGate) << err();
  EXPECT_EQ(Champion(), 1U);
  EXPECT_FALSE(summary()["promoted"]);
  const ordered_json contest = manifest(2)["contest"];
  EXPECT_FALSE(contest["is_better"]);
  EXPECT_EQ(contest["rows_seen_by_champion"], kShops * kHorizon * kFolds);
  EXPECT_THAT(contest["why"].get<std::string>(), HasSubstr("may have learned from 63 of these"));
  EXPECT_EQ(verdict()["result"], "kept");
  EXPECT_EQ(verdict()["why"], contest["why"]);
}

TEST_F(RetrainCommandTest, WritesTheVerdictWhereItIsWanted) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const fs::path file = folder_.path() / "verdict.json";
  ASSERT_EQ(Retrain({"--verdict", file.string()}), ExitCode::kDone) << err();
  EXPECT_EQ(ordered_json::parse(preprocessing::ReadWhole(file))["result"], "nothing_new");
  EXPECT_FALSE(fs::exists(models() / "sales" / "retrain.json"));
  EXPECT_EQ(Retrain({"--verdict", "/absent/verdict.json"}), ExitCode::kIo);
}

TEST_F(RetrainCommandTest, SaysInTheVerdictThatTheDataDoNotAllowIt) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Retrain({"--last", "3d"}), ExitCode::kUnfit);
  EXPECT_EQ(verdict()["result"], "failed");
  EXPECT_THAT(err(), HasSubstr(verdict()["why"].get<std::string>()));
}

/// Does something as soon as anything is written.
class OnWriting final : public std::stringbuf {
 public:
  explicit OnWriting(std::function<void()> act) : act_(std::move(act)) {}

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    act_();
    return std::stringbuf::xsputn(text, size);
  }

  std::function<void()> act_;
};

TEST_F(RetrainCommandTest, WaitsForAnotherThatIsAtWorkAndThenFindsWhatItLeft) {
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(kDays - 1)}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  const fs::path second = folder_.path() / "second";
  fs::rename(version(2), second);  // as it was before the other one published it
  auto other = std::make_unique<FileLock>(models() / "sales" / ".retrain.lock");
  ASSERT_TRUE(other->held());
  OnWriting waits([&] {
    if (!other) return;
    fs::rename(second, version(2));
    other.reset();
  });
  std::ostream err(&waits);
  const SystemClock clock;
  const int code = preprocessing::RunCommand(
      RetrainCommand(), {"--name", "sales", "--store", store(), "--models", models().string()},
      {.environment = NoEnvironment, .out = out_, .err = err, .clock = clock});
  EXPECT_EQ(code, 0) << waits.str();
  EXPECT_THAT(waits.str(), HasSubstr("sales is being trained anew already: waits"));
  EXPECT_FALSE(fs::exists(version(3)));
  EXPECT_EQ(verdict()["result"], "nothing_new");
}

TEST_F(RetrainCommandTest, WaitsForAnotherThatIsAtWorkUntilItIsToldToStop) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  const FileLock other(models() / "sales" / ".retrain.lock");
  ASSERT_TRUE(other.held());
  const preprocessing::StopSignals signals;
  ::raise(SIGTERM);
  EXPECT_EQ(Retrain(), ExitCode::kStopped);
  EXPECT_THAT(err(), HasSubstr("stopped; nothing was published"));
  EXPECT_FALSE(fs::exists(models() / "sales" / "retrain.json"));
}

TEST_F(RetrainCommandTest, KeepsAChampionThatIsBeatenByLessThanIsAskedFor) {
  ChangeThePattern(70);
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(70)}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--least-gain", "0.99"}), ExitCode::kGate) << err();
  EXPECT_EQ(Champion(), 1U);
  EXPECT_THAT(summary()["contest"]["why"].get<std::string>(), HasSubstr("better by too little"));
}

TEST_F(RetrainCommandTest, KeepsAChampionThatMayBeBeatenByChance) {
  ChangeThePattern(70);
  document_["training"]["folds"]["n_splits"] = 1;  // 3 groups: no p below 1/8
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(70), "--force-promote"}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  EXPECT_EQ(Champion(), 1U);
  EXPECT_EQ(summary()["contest"]["p"], 0.125);
  EXPECT_THAT(summary()["contest"]["why"].get<std::string>(), HasSubstr("by chance"));
  ASSERT_EQ(Retrain({"--most-chance", "0.2"}), ExitCode::kDone) << err();
  EXPECT_EQ(Champion(), 3U);
}

TEST_F(RetrainCommandTest, ChecksWithoutTrainingWhenDry) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--dry-run"}), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["dry_run"], true);
  EXPECT_FALSE(fs::exists(version(2)));
  EXPECT_FALSE(fs::exists(models() / "sales" / "retrain.json"));
}

TEST_F(RetrainCommandTest, SaysWhichModelsThereAre) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  EXPECT_EQ(Retrain({"--alias", "canary"}), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("canary"));
  EXPECT_EQ(Retrain({"--least-gain", "2"}), ExitCode::kUsage);
  EXPECT_THAT(err(),
              HasSubstr("--least-gain: \"2\" is not allowed; expected a number from 0 to 1"));
}

}  // namespace
}  // namespace forkcast::model
