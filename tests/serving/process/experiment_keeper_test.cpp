#include "serving/process/experiment_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <array>
#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "support/test_clock.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::size_t kWorkers = 2;
const std::string kBegin =
    R"({"deployment": "sales", "challenger": {"version": "2", "shadow": 0.1,
        "end": {"max_difference": 1}}})";

/// A master without processes: what workers say is written into their memory.
class AnExperimentKeeper : public testing::Test {
 protected:
  AnExperimentKeeper() {
    state_.slots_end = kWorkers;
    for (WorkerSlot& slot : slots_) slot.SetState(WorkerState::kReady);
  }

  json Order(const std::string& order) { return json::parse(keeper_.Order(order)); }
  std::uint64_t Begin() { return Order(kBegin).at("id"); }
  void Report(std::size_t worker, ExperimentReport report, std::size_t place = 0) {
    list_.tally(worker, place).Report(report);
    keeper_.Look();
  }
  static ExperimentReport Has(std::uint64_t id, const std::string& champion = "1",
                              const std::string& challenger = "2") {
    return {.id = id, .champion = champion, .challenger = challenger};
  }
  [[nodiscard]] ExperimentStatus Status() const { return keeper_.Describe().front(); }

  TestClock clock_;
  spdlog::logger log_{"test"};
  ServerState state_;
  std::array<WorkerSlot, kWorkers> slots_;
  ExperimentList list_{kWorkers};
  ExperimentKeeper keeper_{list_, slots_, state_, clock_, log_};
};

TEST_F(AnExperimentKeeper, TellsAllWorkersWhatBegins) {
  const std::uint64_t id = Begin();
  ASSERT_EQ(list_.Read().experiments.size(), 1U);
  EXPECT_EQ(list_.Read().experiments.front().id, id);
  EXPECT_EQ(Status().state, "starting");
  Report(0, Has(id));
  EXPECT_EQ(Status().state, "starting");
  Report(1, Has(id));
  EXPECT_EQ(Status().state, "running");
  EXPECT_EQ(Status().champion, "1");
  EXPECT_EQ(Status().challenger, "2");
}

TEST_F(AnExperimentKeeper, EndsForAllWhatOneWorkerCannotLoad) {
  const std::uint64_t id = Begin();
  Report(0, Has(id));
  Report(1, {.id = id, .failure = "manifest.json: no such file"});
  EXPECT_EQ(Status().state, "failed");
  EXPECT_EQ(Status().reason, "manifest.json: no such file");
  EXPECT_FALSE(list_.Read().experiments.front().is_running());
}

TEST_F(AnExperimentKeeper, HearsNothingOfAnExperimentBefore) {
  const std::uint64_t before = Begin();
  const std::uint64_t now = Begin();
  EXPECT_GT(now, before);
  Report(0, {.id = before, .failure = "too late"});
  EXPECT_EQ(Status().id, now);
  EXPECT_EQ(Status().state, "starting");
}

struct OtherVersion {
  const char* name;
  const char* champion;
  const char* challenger;
  const char* reason;

  friend std::ostream& operator<<(std::ostream& out, const OtherVersion& one) {
    return out << one.reason;
  }
};

class AVersionThatChanges : public AnExperimentKeeper,
                            public testing::WithParamInterface<OtherVersion> {};

TEST_P(AVersionThatChanges, EndsTheExperimentThatWasAboutTheOneBefore) {
  const std::uint64_t id = Begin();
  Report(0, Has(id));
  Report(1, Has(id, GetParam().champion, GetParam().challenger));
  EXPECT_EQ(Status().state, "ended");
  EXPECT_EQ(Status().reason, GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(Cases, AVersionThatChanges,
                         testing::Values(OtherVersion{"OfTheChampion", "3", "2",
                                                      "the champion is version 3 now, and was 1"},
                                         OtherVersion{
                                             "OfTheChallenger", "1", "4",
                                             "the challenger is version 4 now, and was 2"}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(AnExperimentKeeper, EndsByAGuardThatTheWorkersTogetherHaveBroken) {
  const std::uint64_t id = Begin();
  ExperimentSums sums;
  for (int i = 0; i < 80; ++i) sums.difference.Add(i % 2 == 0 ? 4 : 5);
  list_.tally(0, 0).Publish(id, sums);
  keeper_.Look();
  EXPECT_EQ(Status().reason, "") << "80 are too few";
  list_.tally(1, 0).Publish(id, sums);
  keeper_.Look();
  EXPECT_EQ(Status().state, "ended");
  EXPECT_THAT(Status().reason, HasSubstr("differ too much"));
}

TEST_F(AnExperimentKeeper, BlamesTheChallengerInWhichAWorkerDied) {
  const std::uint64_t id = Begin();
  keeper_.OnDeath(0);
  EXPECT_NE(Status().state, "failed") << "it died of something else";
  list_.tally(1, 0).at_work = id;
  keeper_.OnDeath(1);
  EXPECT_EQ(Status().state, "failed");
  EXPECT_EQ(Status().reason, "worker 1 died while the challenger was at work");
}

TEST_F(AnExperimentKeeper, ChangesTheShareAndStops) {
  const std::uint64_t id = Begin();
  EXPECT_EQ(Order(R"({"deployment": "sales", "share": 0.5})").at("id"), id);
  EXPECT_EQ(list_.Read().experiments.front().plan.share, 0.5);
  Order(R"({"deployment": "sales", "stop": "stopped"})");
  EXPECT_EQ(Status().state, "stopped");
  EXPECT_FALSE(list_.Read().experiments.front().is_running());
}

TEST_F(AnExperimentKeeper, HandsOnWhatWasFoundToTheNextMaster) {
  const std::uint64_t id = Begin();
  Report(0, Has(id));
  ExperimentSums sums;
  sums.challenger.requests = 3;
  list_.tally(1, 0).Publish(id, sums);

  ExperimentList list(kWorkers);
  ExperimentKeeper next(list, slots_, state_, clock_, log_);
  ASSERT_TRUE(next.Inherit(keeper_.Bequeath()).ok());
  EXPECT_EQ(next.Describe().front().id, id);
  EXPECT_EQ(next.Describe().front().challenger_requests, 3U);
  list.tally(0, 0).Publish(id, sums);
  EXPECT_EQ(next.Describe().front().challenger_requests, 6U);
}

TEST_F(AnExperimentKeeper, GivesThePlaceOfOneThatIsOverToAnotherDeployment) {
  const auto begin = [this](const std::string& deployment) {
    return Order(R"({"deployment": ")" + deployment +
                 R"(", "challenger": {"version": "2", "shadow": 1}})");
  };
  for (const char* deployment : {"a", "b", "c", "d"}) EXPECT_TRUE(begin(deployment).contains("id"));
  EXPECT_THAT(begin("e").at("error").get<std::string>(), HasSubstr("at most 4 deployments"));
  Order(R"({"deployment": "b", "stop": "stopped"})");
  EXPECT_TRUE(begin("e").contains("id"));
  EXPECT_EQ(keeper_.Describe()[1].deployment, "e");
}

struct BadOrder {
  const char* name;
  const char* order;
  const char* message;

  friend std::ostream& operator<<(std::ostream& out, const BadOrder& one) {
    return out << one.order;
  }
};

class AWrongOrder : public AnExperimentKeeper, public testing::WithParamInterface<BadOrder> {};

TEST_P(AWrongOrder, IsRefusedAndChangesNothing) {
  Begin();
  const std::uint64_t version = list_.version();
  EXPECT_THAT(Order(GetParam().order).at("error").get<std::string>(),
              HasSubstr(GetParam().message));
  EXPECT_EQ(list_.version(), version);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AWrongOrder,
    testing::Values(
        BadOrder{"ThatIsNoJson", "deploy", "not JSON"},
        BadOrder{"OfNoDeployment", R"({"stop": "stopped"})", "deployment"},
        BadOrder{"OfADeploymentWithoutChallenger", R"({"deployment": "x", "stop": "stopped"})",
                 "deployment \"x\" has no challenger"},
        BadOrder{"OfAShareThatIsNone", R"({"deployment": "sales", "share": 2})", "$.share"},
        BadOrder{"OfAPlanThatIsNone", R"({"deployment": "sales", "challenger": {}})",
                 "$.challenger: expected either"},
        BadOrder{"WithNothingToDo", R"({"deployment": "sales"})", "share"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
