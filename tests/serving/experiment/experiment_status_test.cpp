#include "serving/experiment/experiment_status.hpp"

#include <gtest/gtest.h>

#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

Experiment Running() {
  return {.id = 7,
          .plan = {.deployment = "sales",
                   .challenger = "challenger",
                   .mode = ExperimentMode::kShadow,
                   .share = 0.1},
          .champion = "1",
          .champion_place = "sales@champion",
          .challenger = "2",
          .challenger_place = "sales@challenger"};
}

ExperimentSums SomeSums() {
  ExperimentSums sums;
  sums.champion.requests = sums.challenger.requests = 4;
  sums.challenger.failures = 1;
  sums.lines = 3;
  sums.agreed = 2;
  sums.dropped = 5;
  for (const double difference : {0.5, 0.0, 1.0}) {
    sums.difference.Add(difference);
    sums.disagreement.Add(difference == 1.0 ? 1 : 0);
  }
  return sums;
}

TEST(ExperimentStatus, SaysWhatIsComparedAndWhatWasFoundAndADashWhereThatIsNotKnown) {
  const ExperimentStatus status =
      StatusOf(Running(), SomeSums(), {.workers = 2, .ready_workers = 2});
  EXPECT_EQ(
      ToText(status),
      "shadow of sales: version 2 (sales@challenger) against version 1, 10 % of the requests: "
      "running\n"
      "  requests 4 champion, 4 challenger, dropped 5; failed % 0 (0 to 65.81) champion, 25 "
      "(0.1965 to 86.9) challenger; same output % 66.67 (- to -); difference 0.5 (- to -); 1 "
      "(- to -) times as long\n");
}

TEST(ExperimentStatus, IsThatItStartsWhileNotEveryWorkerHasTheChallenger) {
  const ExperimentStatus status = StatusOf(Running(), {}, {.workers = 1, .ready_workers = 2});
  EXPECT_EQ(status.state, "starting");
  EXPECT_NE(ToText(status).find("starting, 1 of 2 workers have it"), std::string::npos);
}

TEST(ExperimentStatus, SaysWhyItIsOverAndLetsNothingReachATerminal) {
  Experiment over = Running();
  over.state = ExperimentState::kFailed;
  over.reason = "no\x1b[2Jfile";
  const std::string text = ToText(StatusOf(over, {}, {}));
  EXPECT_NE(text.find("failed: no?[2Jfile"), std::string::npos) << text;
}

TEST(ExperimentStatus, IsTheSameReadBack) {
  const ExperimentStatus status =
      StatusOf(Running(), SomeSums(), {.workers = 2, .ready_workers = 2});
  EXPECT_EQ(ExperimentStatusOf(ToJson(status)), status);
}

}  // namespace
}  // namespace forkcast::serving
