#include "serving/process/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

TEST(TrainerReport, IsReadAsItWasTold) {
  const TrainerReport report{.queued = 3,
                             .running = 1,
                             .oldest_queued_s = 17,
                             .succeeded = 4,
                             .failed = 2,
                             .stopped = 1,
                             .doing = "job 7",
                             .error = "no store"};
  EXPECT_EQ(ReadTrainerReport(TextOf(report)), report);
  for (const char* const text : {"", "[]", "{}", R"({"queued": "3"})"}) {
    EXPECT_FALSE(ReadTrainerReport(text)) << text;
  }
}

class ATrainer : public testing::Test {
 protected:
  /// One that tells these reports and then waits for TERM or HUP.
  void Start(std::vector<TrainerReport> reports) {
    trainer_.StartIfDue(now_, [&] {
      return ChildProcess::Start(
          [] {},
          [reports](int channel) {
            for (const TrainerReport& report : reports) {
              const std::string text = TextOf(report);
              static_cast<void>(::send(channel, text.data(), text.size(), 0));
            }
            while (true) ::pause();
            return 0;
          },
          SIGKILL);
    });
    ASSERT_TRUE(trainer_.keeper().running());
  }
  void TakeUntil(MetricId metric, std::uint64_t value) {
    for (int i = 0; i < 3'000 && metrics_.Get(metric) != value; ++i) {
      pollfd told{.fd = trainer_.keeper().control(), .events = POLLIN, .revents = 0};
      ::poll(&told, 1, 10);
      trainer_.Take(now_, Asked::kNo);
    }
    EXPECT_EQ(metrics_.Get(metric), value) << kMetrics[metric.index()].name;
  }
  void AwaitEnd() {
    for (int i = 0; i < 3'000 && trainer_.keeper().running(); ++i) {
      pollfd ended{.fd = trainer_.keeper().pidfd(), .events = POLLIN, .revents = 0};
      ::poll(&ended, 1, 10);
      trainer_.Take(now_, Asked::kNo);
    }
    EXPECT_FALSE(trainer_.keeper().running());
  }

  MetricValues metrics_;
  spdlog::logger log_{"test"};
  MonotonicTime now_{std::chrono::hours(1)};
  Trainer trainer_{/*wanted=*/true, /*seed=*/7, metrics_, log_};
};

TEST_F(ATrainer, IsToldOfInMetricsAndStatus) {
  Start({{.queued = 5, .oldest_queued_s = 9}, {.queued = 4, .running = 1, .doing = "job 1"}});
  TakeUntil("jobs_queued", 4);
  EXPECT_EQ(metrics_.Get("jobs_running"), 1U);
  EXPECT_EQ(metrics_.Get("trainer_up"), 1U);
  ASSERT_TRUE(trainer_.Describe());
  EXPECT_EQ(trainer_.Describe()->doing, "job 1");
}

TEST_F(ATrainer, CountsThroughAllThatHaveBeenIt) {
  Start({{.succeeded = 2, .failed = 1}});
  TakeUntil("jobs_succeeded", 2);
  trainer_.keeper().Signal(SIGKILL);
  AwaitEnd();
  EXPECT_EQ(metrics_.Get("trainer_restarts"), 1U);
  EXPECT_EQ(metrics_.Get("trainer_up"), 0U);
  now_ += std::chrono::minutes(1);
  Start({{.succeeded = 3}});
  TakeUntil("jobs_succeeded", 5);
  EXPECT_EQ(metrics_.Get("jobs_failed"), 1U);
}

TEST_F(ATrainer, ThatRetiresIsNoDeath) {
  Start({{.queued = 1}});
  TakeUntil("jobs_queued", 1);
  trainer_.Retire();
  AwaitEnd();
  EXPECT_EQ(metrics_.Get("trainer_restarts"), 0U);
}

TEST_F(ATrainer, ThatCannotReachItsStoreIsNotUp) {
  Start({{.error = "no store"}, {.queued = 2, .error = "no store"}});
  TakeUntil("jobs_queued", 2);
  EXPECT_EQ(metrics_.Get("trainer_up"), 0U);
  EXPECT_EQ(trainer_.Describe()->error, "no store");
}

TEST(NoTrainer, IsNotDescribed) {
  MetricValues metrics;
  spdlog::logger log("test");
  const Trainer trainer(/*wanted=*/false, 7, metrics, log);
  EXPECT_FALSE(trainer.Describe());
}

}  // namespace
}  // namespace forkcast::serving
