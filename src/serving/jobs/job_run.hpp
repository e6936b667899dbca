#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/jobs/job.hpp"
#include "serving/jobs/job_log.hpp"
#include "serving/jobs/job_queue_rules.hpp"
#include "serving/process/child_process.hpp"

namespace forkcast::serving {

/// What a command that does a job may use.
struct RunLimits {
  std::size_t memory_mb = 0;  ///< Of its data (RLIMIT_DATA); 0: as much as there is.
  std::size_t cpus = 0;       ///< On which it may run; 0: all that we may.
};

/// How a job ended, by the command that did it.
struct JobOutcome {
  JobState state = JobState::kFailed;
  std::optional<JobError> error{};
  std::string verdict{};
  std::optional<std::uint64_t> version{};

  friend bool operator==(const JobOutcome&, const JobOutcome&) = default;
};

/// What a command's end means. `out`: what it wrote to standard output, `last_words` the last line
/// of its log; `asked`: it was told to end.
[[nodiscard]] JobOutcome OutcomeOf(const ChildEnd& end, std::string_view out,
                                   std::string_view last_words, bool asked);

/// What a command tells of its progress in one message (kProgressVariable); none when it is no such
/// message.
[[nodiscard]] std::optional<JobProgress> ReadProgress(std::string_view message);

/// One attempt at a job: the command that does it, as a child of ours, which the kernel kills with
/// us. Waits for nothing.
class JobRun {
 public:
  /// Throws std::system_error when there is no process or descriptor to be had.
  JobRun(JobRecord job, const std::vector<std::string>& words, const RunLimits& limits,
         MonotonicTime now);
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;
  /// Kills the command, and waits for that.
  ~JobRun();

  /// Takes what it has written; whether something new is to be told.
  bool Listen();
  /// How it ended, once it has.
  [[nodiscard]] std::optional<JobOutcome> Reap();
  /// Asks it to end; later calls kill it when its time is over.
  void Stop(MonotonicTime now, const QueueTimes& times);
  void Kill() noexcept;

  [[nodiscard]] const JobRecord& job() const noexcept { return job_; }
  [[nodiscard]] const JobProgress& progress() const noexcept { return progress_; }
  [[nodiscard]] const JobLog& log() const noexcept { return log_; }
  [[nodiscard]] bool is_stopping() const noexcept { return kill_at_ != MonotonicTime::max(); }
  /// Precondition: it has not been reaped.
  [[nodiscard]] int pidfd() const noexcept { return process_->pidfd(); }
  /// Readable when there is something to listen to, or it has ended.
  [[nodiscard]] std::vector<int> watched() const;

  /// When its record was last written.
  MonotonicTime told_at;
  std::uint64_t log_told = 0;  ///< Lines of its log that are in the store.

 private:
  bool TakeLines();
  bool TakeProgress();
  void TakeOutput();

  JobRecord job_;
  Fd out_;
  Fd err_;
  std::optional<ChildProcess> process_;
  std::string output_;
  LineSplitter splitter_;
  JobLog log_;
  JobProgress progress_;
  MonotonicTime kill_at_ = MonotonicTime::max();
};

}  // namespace forkcast::serving
