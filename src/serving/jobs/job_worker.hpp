#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/jobs/job_desk.hpp"
#include "serving/jobs/job_queue.hpp"
#include "serving/jobs/job_queue_rules.hpp"
#include "serving/jobs/job_run.hpp"
#include "serving/jobs/lease_guard.hpp"
#include "serving/process/trainer.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Works off the queue of a store: begins jobs, tells how far they are, ends them when asked, and
/// takes over those of workers that have died. Of a server it also answers what is asked of the
/// queue. One loop, which waits for its store alone, and for nothing else without a deadline; a
/// thread beside it ends what the store may give to others meanwhile. What is decided is decided in
/// job_queue_rules.hpp.
class JobWorker {
 public:
  struct Options {
    std::string store;           ///< Its URL.
    const ServerConfig& config;  ///< Of which deployments jobs are, and where things are.
    RunLimits limits{};
    std::size_t at_once = 1;  ///< Jobs.
    QueueTimes times{};
    int requests =
        -1;         ///< From which what callers ask is taken (job_message.hpp); -1: nobody asks.
    int tell = -1;  ///< Over which reports are told; its end is that of the master. -1: none.
    /// Whether it is to end: what runs is stopped and queued again.
    std::function<bool()> stops;
    /// Whether it is to end once what runs has; may be empty.
    std::function<bool()> retires{};
    /// Ends when the queue has nothing that it could begin.
    bool until_empty = false;
  };

  /// `clock` and `log` outlive it.
  JobWorker(Options options, const Clock& clock, spdlog::logger& log);

  void Run();

 private:
  struct Attempt {
    std::unique_ptr<JobRun> run;
    /// Ends it when the store has not taken its record for too long; none: nobody else could take
    /// it, since the store is a file of this machine.
    std::unique_ptr<LeaseGuard::Lease> lease{};
    std::optional<JobOutcome> outcome{};  ///< It has ended, and that is not in the store yet.
    bool is_given_up = false;             ///< Its lease is over.
  };

  /// The queue, opened where it is not; null: it is not to be had at present.
  JobQueue* Queue(MonotonicTime now);
  /// The same for who writes: null also for a while after something failed, such as a write for
  /// want of room, or of a lock that took its time. Whoever reads is answered meanwhile.
  JobQueue* WritableQueue(MonotonicTime now);
  void OnStoreFailure(const Error& error);
  void AnswerRequests(MonotonicTime now);
  void AttendRuns(MonotonicTime now);
  void Attend(Attempt& run, MonotonicTime now);
  /// Writes how far it is; false: it is not ours any more.
  bool Beat(Attempt& run, MonotonicTime now);
  /// Whether its end is in the store, or somebody else's matter.
  bool Settle(Attempt& run, MonotonicTime now);
  void LookForWork(MonotonicTime now);
  void TakeCare(JobQueue& queue, const std::vector<JobRecord>& active, MonotonicTime now);
  void Begin(JobQueue& queue, JobRecord job, MonotonicTime now);
  void Refuse(JobQueue& queue, const JobRecord& job, const Error& error);
  [[nodiscard]] bool IsOurs(const JobRecord& job) const noexcept;
  void Tell(MonotonicTime now);
  void Wait(MonotonicTime now);

  const Options options_;
  const Clock& clock_;
  spdlog::logger& log_;
  const JobQueue::Worker me_;
  std::unique_ptr<JobQueue> queue_;
  MonotonicTime reopen_at_{};
  MonotonicTime write_again_at_{};
  std::string store_error_;
  LeaseGuard guard_;
  std::list<Attempt> runs_;
  JobDesk desk_;
  BeatWatch beats_;
  MonotonicTime look_at_{};
  MonotonicTime forget_at_{};
  MonotonicTime follow_at_{};
  MonotonicTime tell_at_{};
  TrainerReport report_;
  std::string told_;
  bool is_idle_ = false;   // the last look found nothing to begin
  bool is_local_ = false;  // the store, as it was last opened
  bool stopping_ = false;
  MonotonicTime leave_at_ = MonotonicTime::max();  // whatever cannot be written by then
  bool retiring_ = false;
  bool orphaned_ = false;
};

}  // namespace forkcast::serving
