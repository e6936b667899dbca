#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/artefact/registry.hpp"
#include "model/classify/delivery_testing.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;

/// A champion, and orders that came after it.
class RetrainClassifierTest : public ClassifierCommandTest {
 protected:
  ExitCode Retrain(const Words& flags = {}) {
    Words words{"--name", "delivery", "--store", store(), "--models", models().string(), "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    out_.str("");
    err_.str("");
    const SystemClock clock;
    return static_cast<ExitCode>(preprocessing::RunCommand(
        RetrainCommand(), words,
        {.environment = NoEnvironment, .out = out_, .err = err_, .clock = clock}));
  }
  /// From this order on, what is in stock is delivered in the afternoon.
  void ChangeTheRule(int id) {
    for (Order& order : orders_) {
      if (order.id < id) continue;
      const bool is_delivered = order.pieces <= LevelFor(order) && !IsMorning(order);
      order.delivered = is_delivered ? "true" : "false";
    }
  }
  [[nodiscard]] std::string TimeOfOrder(int id) const {
    return TimeOf(orders_[static_cast<std::size_t>(id)].minute);
  }
  [[nodiscard]] std::uint64_t Champion() const {
    return Registry(models()).Find("delivery", "champion")->number;
  }
};

TEST_F(RetrainClassifierTest, GivesTheChampionsPlaceToWhoLearnedWhatHasChanged) {
  constexpr int kChanged = 120;
  ChangeTheRule(kChanged);
  Ingest();
  ASSERT_EQ(Train({"--until", TimeOfOrder(kChanged)}), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--since", TimeOfOrder(kChanged)}), ExitCode::kDone) << err();
  EXPECT_EQ(Champion(), 2U);
  const ordered_json contest = manifest(2)["contest"];
  EXPECT_TRUE(contest["is_better"]) << contest.dump(1);
  EXPECT_EQ(contest["metric"], "error_rate");
  EXPECT_EQ(contest["rows"], evaluation()["metrics"]["rows"]);
  EXPECT_EQ(contest["rows_seen_by_champion"], 0);
  EXPECT_NEAR(contest["challenger_error"].get<double>(), evaluation()["value"].get<double>(),
              1e-12);
  EXPECT_LE(contest["p"].get<double>(), 0.05);
}

TEST_F(RetrainClassifierTest, KeepsAChampionThatIsAsGood) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--again"}), ExitCode::kGate) << err();
  EXPECT_EQ(Champion(), 1U);
  const ordered_json contest = manifest(2)["contest"];
  EXPECT_EQ(contest["rows_seen_by_champion"], kTestRows);
  EXPECT_FALSE(contest["is_better"]);
}

TEST_F(RetrainClassifierTest, TrainsNothingWhenNothingIsNew) {
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain(), ExitCode::kDone) << err();
  EXPECT_EQ(summary()["nothing_new"], true);
  EXPECT_EQ(Champion(), 1U);
  EXPECT_FALSE(std::filesystem::exists(version(2)));
  orders_.front().delivered = orders_.front().delivered == "true" ? "false" : "true";
  Ingest();
  EXPECT_EQ(Retrain(), ExitCode::kGate) << err();
  EXPECT_TRUE(std::filesystem::exists(version(2)));
}

TEST_F(RetrainClassifierTest, SumsTheChallengersErrorAsItsValidationDoesByLogLossToo) {
  document_["training"]["metric"] = "log_loss";
  document_["training"]["n_splits"] = 3;
  Ingest();
  ASSERT_EQ(Train(), ExitCode::kDone) << err();
  ASSERT_EQ(Retrain({"--again"}), ExitCode::kGate) << err();
  EXPECT_NEAR(summary()["contest"]["challenger_error"].get<double>(),
              evaluation()["value"].get<double>(), 1e-12);
}

TEST_F(RetrainClassifierTest, ComparesWithAChampionThatDoesNotKnowANewClass) {
  UseLabels("text", [this](const Order& order) {
    return std::string(IsDelivered(order) ? "sent" : "kept");
  });
  for (Order& order : orders_) {
    if (order.id >= 150 && order.id % 3 == 0) order.delivered = "lost";
  }
  Ingest();
  ASSERT_EQ(Train({"--until", TimeOfOrder(150)}), ExitCode::kDone) << err();
  Retrain();
  const ordered_json contest = summary()["contest"];
  EXPECT_EQ(contest["rows"], kTestRows) << err();
  EXPECT_GE(contest["champion_error"].get<double>(), 0.3);
}

}  // namespace
}  // namespace forkcast::model
