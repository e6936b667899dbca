#include "serving/jobs/job_queue.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "data_preprocessing/dao/record_store.hpp"
#include "support/store_kinds.hpp"
#include "support/test_files.hpp"

// What holds of a queue of jobs, and of the records that it is made of, in each kind of store.
namespace forkcast::serving {
namespace {

using preprocessing::OpenRecords;
using preprocessing::Record;
using preprocessing::RecordChange;
using preprocessing::RecordStore;
using preprocessing::StoreAccess;
using process_test::ServerKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Null: SQLite.
struct Kind {
  const ServerKind* server = nullptr;
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << (kind.server == nullptr ? "Sqlite" : kind.server->name);
}
std::vector<Kind> Kinds() {
  std::vector<Kind> kinds{{}};
  for (const ServerKind& server : process_test::ServerKinds()) {
    if (server.is_installed()) kinds.push_back({.server = &server});
  }
  return kinds;
}

const Instant kNow = FromMicros(1'700'000'000'000'000);

class QueueInAStore : public testing::TestWithParam<Kind> {
 protected:
  QueueInAStore()
      : url_(GetParam().server == nullptr ? "sqlite:" + (folder_.path() / "o.db").string()
                                          : GetParam().server->new_store()) {}

  [[nodiscard]] std::unique_ptr<RecordStore> Records() const {
    return OpenRecords(url_, StoreAccess::kReadWriteCreate).value();
  }
  [[nodiscard]] JobQueue Queue() const { return JobQueue(Records()); }
  static JobQueue::Request Train(const std::string& deployment, const std::string& key = {}) {
    return {.order = {.deployment = deployment}, .submitted_by = "test", .key = key};
  }
  static std::uint64_t Submit(JobQueue& queue, const std::string& deployment) {
    return queue.Submit(Train(deployment), kNow).value().job.id;
  }
  static std::optional<JobRecord> Claim(JobQueue& queue, const std::string& worker = "w") {
    return queue.Claim(queue.Active().value(), {.name = worker, .owner = worker}, kNow).value();
  }

  preprocessing::TempFolder folder_;
  std::string url_;
};

INSTANTIATE_TEST_SUITE_P(Stores, QueueInAStore, testing::ValuesIn(Kinds()), [](const auto& kind) {
  return kind.param.server == nullptr ? std::string("Sqlite") : kind.param.server->name;
});

TEST_P(QueueInAStore, ARecordIsWrittenByWhoeverHasReadItsRevision) {
  const auto records = Records();
  const auto write = [&](std::int64_t expected, const std::string& text) {
    return records->Change({{.shelf = "s", .id = "a", .expected = expected, .text = text}}).value();
  };
  EXPECT_TRUE(write(0, "first"));
  EXPECT_FALSE(write(0, "again"));
  EXPECT_TRUE(write(1, "second"));
  EXPECT_FALSE(write(1, "late"));
  EXPECT_EQ(records->Get("s", "a").value(),
            (Record{.id = "a", .label = "", .text = "second", .revision = 2}));
  EXPECT_EQ(records->Get("s", "b").value(), std::nullopt);
}

TEST_P(QueueInAStore, ChangesAreMadeTogetherOrNotAtAll) {
  const auto records = Records();
  EXPECT_TRUE(records->Change({{.shelf = "s", .id = "a", .text = "1"}}).value());
  EXPECT_FALSE(records
                   ->Change({{.shelf = "s", .id = "0", .text = "new"},
                             {.shelf = "s", .id = "a", .expected = 9, .text = "2"}})
                   .value());
  EXPECT_EQ(records->Get("s", "0").value(), std::nullopt);
  EXPECT_TRUE(
      records->Change({{.shelf = "s", .id = "a", .expected = 1, .is_removed = true}}).value());
  EXPECT_THAT(records->Find("s", {}).value(), IsEmpty());
}

/// Descriptors of this process that a program which takes its place would have.
std::set<int> Inherited() {
  std::set<int> kept;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) kept.insert(fd);
  }
  return kept;
}

TEST_P(QueueInAStore, CommandsDoNotInheritItsConnection) {
  const std::set<int> before = Inherited();
  const auto records = Records();
  EXPECT_TRUE(records->Change({{.shelf = "s", .id = "a", .text = "t"}}).value());
  EXPECT_EQ(Inherited(), before);
}

TEST_P(QueueInAStore, RecordsAreFoundByShelfAndLabel) {
  const auto records = Records();
  for (const char* const label : {"x", "y", "z"}) {
    EXPECT_TRUE(
        records->Change({{.shelf = "s", .id = label, .label = label, .text = "t"}}).value());
  }
  EXPECT_TRUE(records->Change({{.shelf = "other", .id = "x", .label = "x"}}).value());
  const std::vector<std::string> labels{"x", "z"};
  EXPECT_THAT(records->Find("s", labels).value(), SizeIs(2));
  EXPECT_THAT(records->Find("s", {}).value(), SizeIs(3));
}

TEST_P(QueueInAStore, TextsComeBackAsTheyWentIn) {
  const auto records = Records();
  const std::string text = "quo'te \"two\" back\\slash ? % \n tab\t \xC3\xA9 \xF0\x9F\x8D\xB4";
  EXPECT_TRUE(records->Change({{.shelf = "s", .id = text, .label = "l", .text = text}}).value());
  EXPECT_EQ(records->Get("s", text).value()->text, text);
}

TEST_P(QueueInAStore, ReadOnlyOfAStoreWithoutJobsThereAreNone) {
  const auto records = OpenRecords(url_, StoreAccess::kReadOnly);
  if (!records) {  // a file that is missing
    EXPECT_EQ(records.error().code, ErrorCode::kNotFound);
    return;
  }
  EXPECT_THAT((*records)->Find("jobs", {}).value(), IsEmpty());
}

TEST_P(QueueInAStore, AJobIsQueuedBegunAndEnded) {
  JobQueue queue = Queue();
  const std::uint64_t id = Submit(queue, "d");
  EXPECT_EQ(id, 1U);
  const auto job = Claim(queue);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->attempt, 1U);
  const auto ended =
      queue.Update(*job, [](JobRecord& changed) { changed.state = JobState::kSucceeded; }).value();
  ASSERT_TRUE(ended);
  EXPECT_EQ(queue.Find(id).value()->state, JobState::kSucceeded);
  EXPECT_EQ(queue.Update(*job, [](JobRecord&) {}).value(), std::nullopt) << "it has ended";
  EXPECT_THAT(queue.Active().value(), IsEmpty());
}

TEST_P(QueueInAStore, TheSameRequestIsTheSameJob) {
  JobQueue queue = Queue();
  const auto first = queue.Submit(Train("d", "k-1"), kNow).value();
  const auto second = queue.Submit(Train("d", "k-1"), kNow).value();
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(first.job.id, second.job.id);
  const auto other = queue.Submit(Train("e", "k-1"), kNow);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_EQ(other.error().field, "Idempotency-Key");
}

TEST_P(QueueInAStore, JobsOfOneModelWaitForEachOther) {
  JobQueue queue = Queue();
  Submit(queue, "a");
  Submit(queue, "a");
  const std::uint64_t other = Submit(queue, "b");
  const JobRecord first = *Claim(queue);
  EXPECT_EQ(first.id, 1U);
  EXPECT_EQ(Claim(queue)->id, other);
  EXPECT_FALSE(Claim(queue));
  queue.Update(first, [](JobRecord& job) { job.state = JobState::kFailed; }).value();
  EXPECT_EQ(Claim(queue)->id, 2U);
}

TEST_P(QueueInAStore, WhoseAttemptIsOverChangesNothingMore) {
  JobQueue queue = Queue();
  const std::uint64_t id = Submit(queue, "d");
  const JobRecord taken = *Claim(queue, "first");
  EXPECT_TRUE(queue.Care(taken, Care::kQueueAgain, kNow).value());
  EXPECT_FALSE(queue.Care(taken, Care::kQueueAgain, kNow).value()) << "it is not as it was read";
  EXPECT_EQ(Claim(queue, "second")->attempt, 2U);
  JobLog late;
  late.Add("of the first");
  const auto succeed = [](JobRecord& job) { job.state = JobState::kSucceeded; };
  EXPECT_EQ(queue.Update(taken, succeed, &late).value(), std::nullopt);
  EXPECT_EQ(queue.Find(id).value()->worker, "second");
  EXPECT_THAT(queue.LogOf(id).value().lines(), IsEmpty());
}

/// As by a worker that was not told that the store had put its job back.
TEST_P(QueueInAStore, AnAttemptThatWasGivenBackIsNoOtherOfTheSameNumber) {
  JobQueue queue = Queue();
  const std::uint64_t id = Submit(queue, "d");
  const JobRecord first = *Claim(queue, "first");
  const auto give_back = [](JobRecord& job) {
    job.state = JobState::kQueued;
    --job.attempt;
  };
  ASSERT_TRUE(queue.Update(first, give_back).value());
  ASSERT_EQ(Claim(queue, "second")->attempt, first.attempt);
  EXPECT_EQ(queue.Update(first, give_back).value(), std::nullopt);
  EXPECT_EQ(queue.Find(id).value()->state, JobState::kRunning);
}

TEST_P(QueueInAStore, ABeatClearsASuspicion) {
  JobQueue queue = Queue();
  const std::uint64_t id = Submit(queue, "d");
  const JobRecord job = *Claim(queue);
  EXPECT_TRUE(queue.Care(job, Care::kSuspect, kNow).value());
  EXPECT_TRUE(queue.Find(id).value()->is_suspected);
  const JobRecord beaten = *queue.Update(job, [](JobRecord&) {}).value();
  EXPECT_FALSE(beaten.is_suspected);
  EXPECT_GT(beaten.beat, job.beat);
}

TEST_P(QueueInAStore, AQueuedJobIsStoppedAndOneThatRunsIsTold) {
  JobQueue queue = Queue();
  const std::uint64_t runs = Submit(queue, "a");
  const std::uint64_t waits = Submit(queue, "b");
  ASSERT_TRUE(Claim(queue));
  EXPECT_EQ(queue.AskStop(waits, kNow).value()->state, JobState::kStopped);
  const JobRecord told = *queue.AskStop(runs, kNow).value();
  EXPECT_EQ(told.state, JobState::kRunning);
  EXPECT_TRUE(told.stop_asked);
  EXPECT_EQ(queue.AskStop(99, kNow).value(), std::nullopt);
  EXPECT_EQ(queue.AskStop(waits, kNow).value()->state, JobState::kStopped) << "as it is";
}

TEST_P(QueueInAStore, ListsTheNewestFirst) {
  JobQueue queue = Queue();
  for (int i = 0; i < 12; ++i) Submit(queue, i % 2 == 0 ? "even" : "odd");
  const auto ids = [&](const JobQueue::Filter& filter) {
    std::vector<std::uint64_t> found;
    const auto jobs = queue.List(filter);
    for (const JobRecord& job : jobs.value()) found.push_back(job.id);
    return found;
  };
  EXPECT_THAT(ids({.limit = 3}), ElementsAre(12, 11, 10));
  EXPECT_THAT(ids({.deployment = "odd", .limit = 2}), ElementsAre(12, 10));
  EXPECT_THAT(ids({.state = JobState::kRunning}), IsEmpty());
  EXPECT_THAT(ids({.kind = JobKind::kPredict}), IsEmpty());
}

TEST_P(QueueInAStore, ALogIsKeptBesideItsJob) {
  JobQueue queue = Queue();
  const std::uint64_t id = Submit(queue, "d");
  const JobRecord job = *Claim(queue);
  const auto nothing = [](JobRecord&) {};
  JobLog log;
  log.Add("one");
  EXPECT_TRUE(queue.Update(job, nothing, &log).value());
  log.Add("two");
  EXPECT_TRUE(queue.Update(job, nothing, &log).value());
  EXPECT_TRUE(queue.Update(job, nothing).value());
  EXPECT_THAT(queue.LogOf(id).value().lines(), ElementsAre("one", "two"));
  EXPECT_THAT(queue.LogOf(id + 1).value().lines(), IsEmpty());
}

TEST_P(QueueInAStore, TheSameRequestIsTheSameJobAlsoWhenItsDeploymentServesAnotherModel) {
  JobQueue queue = Queue();
  JobQueue::Request request = Train("d", "k");
  request.order.subject = "old";
  EXPECT_TRUE(queue.Submit(request, kNow).value().is_new);
  request.order.subject = "new";
  EXPECT_FALSE(queue.Submit(request, kNow).value().is_new);
}

TEST_P(QueueInAStore, WhatIsNoKeyIsRefused) {
  JobQueue queue = Queue();
  for (const std::string& key : {std::string(257, 'k'), std::string("a b"), std::string("\xFF")}) {
    const auto submitted = queue.Submit(Train("d", key), kNow);
    ASSERT_FALSE(submitted.ok()) << key;
    EXPECT_EQ(submitted.error().code, ErrorCode::kInvalidArgument) << key;
    EXPECT_EQ(submitted.error().field, "Idempotency-Key") << key;
  }
  EXPECT_TRUE(queue.Submit(Train("d", std::string(256, 'k')), kNow).ok());
}

TEST_P(QueueInAStore, WhatAStoreCannotTakeIsAFailureAndNotAnotherRecord) {
  const auto records = Records();
  const auto done = records->Change({{.shelf = std::string(5'000, 's'), .id = "a", .text = "t"}});
  const bool is_there = records->Get(std::string(5'000, 's'), "a").value().has_value();
  EXPECT_EQ(done.ok() && *done, is_there);
  EXPECT_THAT(records->Find(std::string(64, 's'), {}).value(), IsEmpty());
}

TEST_P(QueueInAStore, SeveralWorkersBeginEachJobOnce) {
  constexpr int kJobs = 20;
  {
    JobQueue queue = Queue();
    for (int i = 0; i < kJobs; ++i) Submit(queue, "d" + std::to_string(i));
  }
  std::atomic<int> begun{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&, name = "w" + std::to_string(i)] {
      JobQueue queue = Queue();
      while (begun.load() < kJobs) {
        const auto active = queue.Active();
        ASSERT_TRUE(active.ok()) << active.error().message;
        const auto job = queue.Claim(*active, {.name = name, .owner = name}, kNow);
        ASSERT_TRUE(job.ok()) << job.error().message;
        if (!*job) continue;
        ++begun;
        ASSERT_EQ((*job)->attempt, 1U) << "begun twice";
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  JobQueue queue = Queue();
  EXPECT_EQ(begun.load(), kJobs);
  const auto active = queue.Active();
  for (const JobRecord& job : active.value()) {
    EXPECT_EQ(job.state, JobState::kRunning) << job.id;
    EXPECT_EQ(job.attempt, 1U) << job.id;
  }
}

TEST_P(QueueInAStore, SeveralWhoSubmitAtOnceGetAJobEach) {
  std::vector<std::thread> callers;
  std::atomic<int> failures{0};
  Records().reset();  // made before they come
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      JobQueue queue = Queue();
      for (int k = 0; k < 10; ++k) failures += queue.Submit(Train("d"), kNow).ok() ? 0 : 1;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failures.load(), 0);
  JobQueue queue = Queue();
  std::set<std::uint64_t> ids;
  const auto active = queue.Active();
  for (const JobRecord& job : active.value()) ids.insert(job.id);
  EXPECT_EQ(ids.size(), 40U);
  EXPECT_EQ(*ids.rbegin(), 40U);
}

TEST_P(QueueInAStore, OneDamagedRecordHoldsNoOtherUp) {
  JobQueue queue = Queue();
  const std::uint64_t bad = Submit(queue, "a");
  const std::uint64_t good = Submit(queue, "b");
  EXPECT_TRUE(Records()
                  ->Change({{.shelf = "jobs",
                             .id = std::to_string(bad),
                             .expected = 1,
                             .label = "queued",
                             .text = "{"}})
                  .value());
  EXPECT_EQ(Claim(queue)->id, good);
  const auto found = queue.Find(bad);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace forkcast::serving
