#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "serving/endpoints/order_service.hpp"
#include "serving/process/experiment_list.hpp"
#include "serving/service/challenger.hpp"
#include "serving/service/shadow_queue.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::HasSubstr;
using Mode = ExperimentMode;
using namespace std::chrono_literals;

std::string Order(const std::string& sku) {
  return json{{"order_id", "paid"},
              {"timestamp", "2021-07-01 09:30:00"},
              {"sku_code", sku},
              {"zip_code", "01001"}}
      .dump();
}

/// Delivers nothing on the first days of a month, where the champion goes by the hour.
void ByDay(ordered_json& pipeline) { pipeline["features"][3]["part"] = "day_of_month"; }
void Alike(ordered_json& /*pipeline*/) {}
/// Refuses rows whose stock was counted more than an hour ago.
void Strict(ordered_json& pipeline) {
  pipeline["series"]["inventory"]["max_age"] = "1h";
  pipeline["series"]["inventory"]["when_stale"] = "refuse";
}

ExperimentPlan Plan(Mode mode, double share, std::vector<std::string> key = {}) {
  return {.deployment = "order_triage",
          .challenger = "2",
          .mode = mode,
          .share = share,
          .key = std::move(key)};
}

/// The orders' pipeline with a challenger beside it, both in one worker without its loop.
class AnExperiment : public testing::Test {
 protected:
  void Begin(const OrderService::Edit& challenger, ExperimentPlan plan) {
    experiment_ = {.id = 7, .plan = std::move(plan)};
    const auto made = Make(challenger);
    ASSERT_TRUE(made.ok()) << made.error().message;
    service_.service().shadows = &shadows_;
    service_.service().catalogue.SetChallenger("order_triage", *made);
  }
  Result<std::shared_ptr<Challenger>> Make(const OrderService::Edit& challenger) {
    const auto ledger =
        std::make_shared<ExperimentLedger>(experiment_, list_.tally(0, 0), series_.writer);
    return Challenger::Make(experiment_, champion(), service_.Load(challenger), ledger);
  }
  const ServedPipeline& champion() {
    return *service_.service().catalogue.entries().front().deployment.pipeline;
  }
  void ScoreAll() {
    while (shadows_.Work()) {
    }
  }
  [[nodiscard]] ExperimentSums Sums() const {
    return list_.tally(0, 0).Read(7).value_or(ExperimentSums());
  }
  std::string Recommended(const std::string& body) {
    return json::parse(service_.Post(body).body).at("recommendation");
  }

  OrderService service_;
  TestSeries series_;
  ExperimentList list_{1};
  Experiment experiment_;
  ShadowQueue shadows_{{.catalogue = service_.service().catalogue,
                        .hooks = service_.service().hooks,
                        .clock = service_.clock()}};
};

TEST_F(AnExperiment, InTheShadowLeavesAnswersAsTheyAreAndComparesBehindThem) {
  const std::string before = service_.Post(Order("ABC")).body;
  Begin(ByDay, Plan(Mode::kShadow, 1));
  EXPECT_EQ(service_.Post(Order("ABC")).body, before);
  EXPECT_EQ(shadows_.size(), 1U);
  EXPECT_EQ(Sums().challenger.requests, 0U) << "not before the answer is there";
  ScoreAll();
  EXPECT_EQ(Sums().challenger.requests, 1U);
  EXPECT_EQ(Sums().challenger.failures, 0U);
  EXPECT_EQ(Sums().lines, 1U);
  EXPECT_EQ(Sums().agreed, 0U);
  EXPECT_EQ(Sums().disagreement.mean, 1);
}

TEST_F(AnExperiment, InTheShadowAgreesWithAnEqualLineByLine) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  service_.Post("[" + Order("ABC") + "," + Order("00123") + "]");
  ScoreAll();
  EXPECT_EQ(Sums().lines, 2U);
  EXPECT_EQ(Sums().agreed, 2U);
}

TEST_F(AnExperiment, InTheShadowCountsWhatTheChampionCouldAnswerAsFailed) {
  Begin(Strict, Plan(Mode::kShadow, 1));
  EXPECT_EQ(service_.Post(Order("ABC")).status, 200);
  ScoreAll();
  EXPECT_EQ(Sums().challenger.failures, 1U);
  EXPECT_EQ(Sums().champion.failures, 0U);
  EXPECT_EQ(Sums().lines, 0U);
}

TEST_F(AnExperiment, InTheShadowScoresNothingThatWasRefused) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  EXPECT_EQ(service_.Post("{}").status, 400);
  EXPECT_EQ(shadows_.size(), 0U);
}

TEST_F(AnExperiment, InTheShadowTakesNoRequestOutsideOfItsShare) {
  Begin(Alike, Plan(Mode::kShadow, 0));
  service_.Post(Order("ABC"));
  EXPECT_EQ(shadows_.size(), 0U);
}

TEST_F(AnExperiment, InTheShadowDropsWhatFindsNoPlace) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  for (std::size_t i = 0; i < ShadowQueue::kMostWaiting + 3; ++i) service_.Post(Order("ABC"));
  EXPECT_EQ(shadows_.size(), ShadowQueue::kMostWaiting);
  EXPECT_EQ(Sums().dropped, 3U);
  ScoreAll();
  EXPECT_EQ(Sums().challenger.requests, ShadowQueue::kMostWaiting);
}

TEST_F(AnExperiment, InTheShadowDropsWhatIsLate) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  service_.Post(Order("ABC"));
  service_.clock().Set(service_.clock().Monotonic() + ShadowQueue::kLatest + 1ms);
  EXPECT_FALSE(shadows_.Work());
  EXPECT_EQ(Sums().dropped, 1U);
  EXPECT_EQ(Sums().challenger.requests, 0U);
}

TEST_F(AnExperiment, InTheShadowWorksInSlices) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  std::string rows = "[" + Order("ABC");
  for (int i = 0; i < 99; ++i) rows += "," + Order("ABC");
  service_.Post(rows + "]");
  service_.clock().PassWithEachLook(ShadowQueue::kSlice);
  int slices = 1;
  while (shadows_.Work()) ++slices;
  EXPECT_GT(slices, 10);
  EXPECT_EQ(Sums().lines, 100U);
}

TEST_F(AnExperiment, ThatIsOverCountsNothingMore) {
  Begin(Alike, Plan(Mode::kShadow, 1));
  service_.Post(Order("ABC"));
  service_.service().catalogue.entries().front().challenger->ledger().Close();
  service_.service().catalogue.SetChallenger("order_triage", nullptr);
  ScoreAll();
  EXPECT_EQ(Sums().challenger.requests, 0U);
  service_.Post(Order("ABC"));
  EXPECT_EQ(shadows_.size(), 0U);
}

TEST_F(AnExperiment, WithACanaryOfAllHasTheChallengersAnswers) {
  EXPECT_EQ(Recommended(Order("ABC")), "Deliver");
  Begin(ByDay, Plan(Mode::kCanary, 1));
  EXPECT_EQ(Recommended(Order("ABC")), "Decline");
  EXPECT_EQ(Sums().challenger.requests, 1U);
  EXPECT_EQ(Sums().champion.requests, 0U);
  EXPECT_EQ(shadows_.size(), 0U);
}

TEST_F(AnExperiment, WithACanaryOfNoneHasTheChampions) {
  Begin(ByDay, Plan(Mode::kCanary, 0));
  EXPECT_EQ(Recommended(Order("ABC")), "Deliver");
  EXPECT_EQ(Sums().champion.requests, 1U);
}

TEST_F(AnExperiment, WithACanaryAnswersAKeyByOneOfBothAgainAndAgain) {
  Begin(ByDay, Plan(Mode::kCanary, 0.5, {"order_id"}));
  // Only some orders' payments are known, but the key alone decides who answers.
  int challengers = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string body = json{
        {"order_id", "order " + std::to_string(i)},
        {"timestamp", "2021-07-01 09:30:00"},
        {"sku_code", "ABC"},
        {"zip_code", "01001"}}.dump();
    const std::uint64_t before = Sums().challenger.requests;
    for (int again = 0; again < 3; ++again) service_.Post(body);
    const std::uint64_t more = Sums().challenger.requests - before;
    EXPECT_TRUE(more == 0 || more == 3) << more;
    challengers += more == 3 ? 1 : 0;
  }
  EXPECT_GT(challengers, 25);
  EXPECT_LT(challengers, 75);
}

TEST_F(AnExperiment, WithACanaryIsDecidedForAllRowsByTheKeyOfTheFirst) {
  Begin(ByDay, Plan(Mode::kCanary, 0.5, {"sku_code"}));
  // Of many keys some go to each.
  std::string mine;
  std::string theirs;
  for (int i = 0; mine.empty() || theirs.empty(); ++i) {
    const std::string sku = "sku " + std::to_string(i);
    const std::uint64_t before = Sums().challenger.requests;
    service_.Post(Order(sku));
    (Sums().challenger.requests > before ? mine : theirs) = sku;
  }
  const std::uint64_t before = Sums().challenger.requests;
  service_.Post("[" + Order(mine) + "," + Order(theirs) + "]");
  EXPECT_EQ(Sums().challenger.requests, before + 1);
  service_.Post("[" + Order(theirs) + "," + Order(mine) + "]");
  EXPECT_EQ(Sums().challenger.requests, before + 1);
}

TEST_F(AnExperiment, WithACanaryCountsWhatEachCouldNotAnswer) {
  Begin(Strict, Plan(Mode::kCanary, 1));
  EXPECT_NE(service_.Post(Order("ABC")).status, 200);
  EXPECT_EQ(Sums().challenger.requests, 1U);
  EXPECT_EQ(Sums().challenger.failures, 1U);
  EXPECT_EQ(service_.Post("{}").status, 400);
  EXPECT_EQ(Sums().challenger.requests, 1U) << "that was the client's doing";
}

struct Misfit {
  const char* name;
  void (*challenger)(ordered_json& pipeline);
  std::vector<std::string> key{};
  const char* compare;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const Misfit& one) {
    return out << one.message;
  }
};

class AChallenger : public AnExperiment, public testing::WithParamInterface<Misfit> {};

TEST_P(AChallenger, ThatDoesNotFitIsRefusedSayingWhy) {
  experiment_ = {.id = 7, .plan = Plan(Mode::kCanary, 0.5, GetParam().key)};
  experiment_.plan.compare = GetParam().compare;
  const auto made = Make(GetParam().challenger);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message,
              HasSubstr(std::string("the challenger does not fit: ") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AChallenger,
    testing::Values(
        Misfit{"SinceItAsksMore",
               [](ordered_json& pipeline) { pipeline["request"]["fields"]["more"] = "text"; },
               {},
               "",
               "its requests have 5 fields, the champion's 4"},
        Misfit{"SinceItCallsItsAnswerOtherwise",
               [](ordered_json& pipeline) { pipeline["serving"]["answer"][1]["name"] = "do"; },
               {},
               "",
               "its answers have other members than the champion's"},
        Misfit{"SinceThereIsNoSuchOutput",
               Alike,
               {},
               "value",
               "there is no output \"value\" to compare; there are: class"},
        Misfit{"SinceThereIsNoSuchKey",
               Alike,
               {"shop"},
               "",
               "requests have no field \"shop\" to be split by"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
