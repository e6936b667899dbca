#include "serving/process/experiment_list.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace forkcast::serving {
namespace {

Experiment Of(std::uint64_t id, const std::string& deployment) {
  return {.id = id, .plan = {.deployment = deployment, .challenger = "2", .share = 0.5}};
}

ExperimentSums Requests(std::uint64_t count) {
  ExperimentSums sums;
  sums.challenger.requests = count;
  for (std::uint64_t i = 0; i < count; ++i) sums.difference.Add(static_cast<double>(i % 3));
  return sums;
}

TEST(AnExperimentList, IsReadAsItWasWritten) {
  ExperimentList list(1);
  EXPECT_TRUE(list.Read().experiments.empty());
  const std::uint64_t before = list.version();
  ASSERT_TRUE(list.Write({Of(1, "sales"), Of(2, "weekly")}).ok());
  const ExperimentList::Contents contents = list.Read();
  EXPECT_EQ(contents.version, before + 1);
  ASSERT_EQ(contents.experiments.size(), 2U);
  EXPECT_EQ(contents.experiments[1].plan.deployment, "weekly");
}

TEST(AnExperimentList, StaysAsItWasWhenWhatIsWrittenHasNoRoom) {
  ExperimentList list(1);
  ASSERT_TRUE(list.Write({Of(1, "sales")}).ok());
  const Status refused = list.Write({Of(2, std::string(40'000, 'x'))});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(list.Read().experiments.front().id, 1U);
}

TEST(AnExperimentList, IsNeverReadHalfWrittenWhileItsWriterGoesOn) {
  ExperimentList list(1);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::uint64_t id = 1; id <= 2000; ++id) {
      static_cast<void>(list.Write({Of(id, std::string(id % 50 + 1, 'd'))}));
    }
    done = true;
  });
  std::uint64_t newest = 0;
  while (!done) {
    for (const Experiment& one : list.Read().experiments) {
      EXPECT_EQ(one.plan.deployment.size(), one.id % 50 + 1);
      EXPECT_GE(one.id, newest);
      newest = one.id;
    }
  }
  writer.join();
  EXPECT_EQ(list.Read().experiments.front().id, 2000U);
}

TEST(ATally, IsOfTheExperimentThatItWasPublishedFor) {
  ExperimentList list(2);
  ExperimentTally& tally = list.tally(1, 0);
  EXPECT_FALSE(tally.Read(7));
  tally.Publish(7, Requests(3));
  EXPECT_EQ(tally.Read(7), Requests(3));
  EXPECT_FALSE(tally.Read(8));
}

TEST(ATally, OfAProcessThatIsKilledHasWhatItPublishedLast) {
  ExperimentList list(1);
  const pid_t child = ::fork();
  if (child == 0) {
    for (std::uint64_t count = 1;; ++count) list.tally(0, 0).Publish(7, Requests(count % 50 + 1));
  }
  while (!list.tally(0, 0).Read(7)) std::this_thread::yield();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto left = list.tally(0, 0).Read(7);
  ASSERT_TRUE(left);
  EXPECT_EQ(*left, Requests(left->challenger.requests));
}

TEST(ATally, AddsUpOverWorkersAndWhatWasBeforeAnUpgrade) {
  ExperimentList list(3);
  Experiment experiment = Of(7, "sales");
  experiment.before = Requests(5);
  list.tally(0, 2).Publish(7, Requests(3));
  list.tally(1, 2).Publish(6, Requests(100));  // of another one
  list.tally(2, 2).Publish(7, Requests(4));
  const ExperimentSums sums = list.SumsOf(experiment, 2, 3);
  EXPECT_EQ(sums.challenger.requests, 12U);
  EXPECT_EQ(sums.difference.count, 12U);
}

TEST(ATally, TellsAReportAsItWasMade) {
  ExperimentList list(1);
  EXPECT_FALSE(list.tally(0, 0).report());
  const ExperimentReport report{.id = 7,
                                .champion = "1",
                                .champion_place = "sales@champion",
                                .challenger = "2",
                                .challenger_place = "sales@2",
                                .failure = "no \"such\" file"};
  list.tally(0, 0).Report(report);
  EXPECT_EQ(list.tally(0, 0).report(), report);
}

TEST(ATally, TellsTheBeginningOfAReasonThatIsTooLong) {
  ExperimentList list(1);
  list.tally(0, 0).Report({.id = 7, .failure = "no file\n" + std::string(1000, 'x')});
  const auto report = list.tally(0, 0).report();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->id, 7U);
  EXPECT_EQ(report->failure.substr(0, 10), "no file xx");
}

}  // namespace
}  // namespace forkcast::serving
