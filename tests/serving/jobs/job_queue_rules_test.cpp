#include "serving/jobs/job_queue_rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::seconds;

JobRecord Running(std::uint64_t id, const std::string& deployment) {
  return {.id = id,
          .order = {.deployment = deployment},
          .state = JobState::kRunning,
          .attempt = 1,
          .beat = 5};
}
JobRecord Queued(std::uint64_t id, const std::string& deployment) {
  return {.id = id, .order = {.deployment = deployment}};
}

struct CareCase {
  const char* name;
  OwnerLife life = OwnerLife::kUnknown;
  seconds unchanged{0};
  bool suspected = false;
  bool stop_asked = false;
  std::uint64_t attempt = 1;
  Care expected = Care::kNothing;
};
void PrintTo(const CareCase& one, std::ostream* out) { *out << one.name; }

class CareForAJob : public testing::TestWithParam<CareCase> {};

TEST_P(CareForAJob, IsAsItsWorkerIs) {
  JobRecord job = Running(1, "d");
  job.is_suspected = GetParam().suspected;
  job.stop_asked = GetParam().stop_asked;
  job.attempt = GetParam().attempt;
  EXPECT_EQ(CareFor(job, GetParam().life, GetParam().unchanged), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CareForAJob,
    testing::Values(
        CareCase{.name = "ItsWorkerLivesHere",
                 .life = OwnerLife::kAlive,
                 .unchanged = seconds(1'000),
                 .suspected = true},
        CareCase{.name = "ItsWorkerHasJustWritten", .unchanged = seconds(14)},
        CareCase{.name = "ItsWorkerIsSilent", .unchanged = seconds(15), .expected = Care::kSuspect},
        CareCase{.name = "ASuspectHasALeaseMore", .unchanged = seconds(14), .suspected = true},
        CareCase{.name = "ASuspectIsSilent",
                 .unchanged = seconds(15),
                 .suspected = true,
                 .expected = Care::kQueueAgain},
        CareCase{
            .name = "ItsWorkerDiedHere", .life = OwnerLife::kDead, .expected = Care::kQueueAgain},
        CareCase{.name = "ItsWorkerDiedHereAndItWasToStop",
                 .life = OwnerLife::kDead,
                 .stop_asked = true,
                 .expected = Care::kStop},
        CareCase{.name = "ItEndedTooManyWorkers",
                 .life = OwnerLife::kDead,
                 .attempt = kMostAttempts,
                 .expected = Care::kGiveUp}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(CareForAJob, DoesNotTouchWhatDoesNotRun) {
  EXPECT_EQ(CareFor(Queued(1, "d"), OwnerLife::kDead, seconds(1'000)), Care::kNothing);
}

struct NextCase {
  const char* name;
  std::vector<JobRecord> jobs;
  std::optional<std::uint64_t> expected;
};
void PrintTo(const NextCase& one, std::ostream* out) { *out << one.name; }

class NextJob : public testing::TestWithParam<NextCase> {};

TEST_P(NextJob, IsTheOldestWhoseTurnItIs) {
  const auto next = NextOf(GetParam().jobs);
  EXPECT_EQ(next ? std::optional(GetParam().jobs[*next].id) : std::nullopt, GetParam().expected);
}

JobRecord OfSubject(JobRecord job, const std::string& subject) {
  job.order.subject = subject;
  return job;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NextJob,
    testing::Values(
        NextCase{"NoneIsThere", {}, std::nullopt},
        NextCase{"TheOldest", {Queued(3, "a"), Queued(2, "b")}, 2},
        NextCase{"NotOfAModelThatIsAtWork", {Running(1, "a"), Queued(2, "a"), Queued(3, "b")}, 3},
        NextCase{"AllWaitForTheirModels", {Running(1, "a"), Queued(2, "a")}, std::nullopt},
        NextCase{"TwoDeploymentsOfOneModelWaitForEachOther",
                 {OfSubject(Running(1, "a"), "m"), OfSubject(Queued(2, "b"), "m")},
                 std::nullopt}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(BeatWatch, CountsHowLongABeatIsTheSame) {
  const MonotonicTime start{seconds(100)};
  BeatWatch watch;
  std::vector<JobRecord> jobs{Running(1, "d")};
  EXPECT_EQ(watch.Unchanged(jobs[0], start), seconds(0));
  watch.Look(jobs, start);
  watch.Look(jobs, start + seconds(10));
  EXPECT_EQ(watch.Unchanged(jobs[0], start + seconds(12)), seconds(12));
}

TEST(BeatWatch, BeginsAnewWithABeatAnAttemptOrASuspicion) {
  const MonotonicTime start{seconds(100)};
  for (auto change : {+[](JobRecord& job) { ++job.beat; }, +[](JobRecord& job) { ++job.attempt; },
                      +[](JobRecord& job) { job.is_suspected = true; }}) {
    BeatWatch watch;
    std::vector<JobRecord> jobs{Running(1, "d")};
    watch.Look(jobs, start);
    change(jobs[0]);
    watch.Look(jobs, start + seconds(10));
    EXPECT_EQ(watch.Unchanged(jobs[0], start + seconds(12)), seconds(2));
  }
}

TEST(BeatWatch, ForgetsWhatIsGone) {
  const MonotonicTime start{seconds(100)};
  BeatWatch watch;
  const std::vector<JobRecord> jobs{Running(1, "d")};
  watch.Look(jobs, start);
  watch.Look({}, start + seconds(1));
  watch.Look(jobs, start + seconds(20));
  EXPECT_EQ(watch.Unchanged(jobs[0], start + seconds(20)), seconds(0));
}

}  // namespace
}  // namespace forkcast::serving
