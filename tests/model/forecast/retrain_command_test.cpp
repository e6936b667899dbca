#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
}

TEST_F(RetrainCommandTest, ScoresTheChampionAsItIs) {
  Ingest();
  // What was judged of the model of the last fold is what a champion of the same rows would say.
  document_["training"]["folds"]["n_splits"] = 1;
  Ingest();
  ASSERT_EQ(Train({"--until", DateOf(kDays - kHorizon)}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  const ordered_json contest = summary()["contest"];
  EXPECT_EQ(contest["rows_seen_by_champion"], 0);
  EXPECT_EQ(contest["champion_error"], contest["challenger_error"]) << contest.dump(1);
  EXPECT_EQ(contest["p"], 1.0);
}

TEST_F(RetrainCommandTest, KeepsAChampionThatIsAsGoodAndSaysThatItHasSeenTheRows) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kGate) << err();
  EXPECT_EQ(Champion(), 1U);
  EXPECT_FALSE(summary()["promoted"]);
  const ordered_json contest = manifest(2)["contest"];
  EXPECT_FALSE(contest["is_better"]);
  EXPECT_EQ(contest["rows_seen_by_champion"], kShops * kHorizon * kFolds);
  EXPECT_THAT(contest["why"].get<std::string>(), HasSubstr("may have learned from 63 of these"));
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
