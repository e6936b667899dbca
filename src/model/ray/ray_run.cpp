#include "model/ray/ray_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>
#include <utility>

namespace forkcast::model {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Of a log that is shown.
constexpr std::size_t kShownLines = 12;
/// Until jobs that were told to stop have done so.
constexpr std::chrono::seconds kStopPatience{15};
constexpr unsigned kAll = 100;

/// A command of a run, and the job that is its last attempt.
struct Attempt {
  const RayCommand* command = nullptr;
  std::size_t number = 0;  ///< From 1; 0: there was none.
  std::size_t jobs = 0;    ///< That were submitted.
  bool is_submitted = false;
  bool has_run = false;
  std::string id{};
  RayStatus status = RayStatus::kPending;
  unsigned percent = 0;
};

class Run {
 public:
  Run(RayClient& client, const RayRun& run, const RayObserver& observer)
      : client_(client), run_(run), observer_(observer) {
    for (const RayCommand& command : run_.commands) attempts_.push_back({.command = &command});
  }

  Result<bool> operator()() {
    Result<bool> done = Work();
    StopTheRest();
    return done;
  }

 private:
  Result<bool> Work() {
    for (Attempt& attempt : attempts_) {
      if (Status begun = Begin(attempt); !begun) return std::move(begun).error();
    }
    SteadyClock::time_point answered = SteadyClock::now();
    while (true) {
      const Status looked = LookAtAll();
      if (looked) {
        answered = SteadyClock::now();
      } else if (looked.error().code != ErrorCode::kIo || is_over_ ||
                 SteadyClock::now() - answered > run_.patience) {
        return looked.error();
      }
      const bool goes_on = observer_.progress(Done(), kAll * attempts_.size());
      if (!goes_on) return false;
      if (std::ranges::all_of(
              attempts_, [](const Attempt& one) { return one.status == RayStatus::kSucceeded; })) {
        return true;
      }
      if (!Wait(run_.pause)) return false;
    }
  }

  Status Begin(Attempt& attempt) {
    ++attempt.number;
    return SubmitJob(attempt);
  }

  Status SubmitJob(Attempt& attempt) {
    attempt.id = fmt::format("{}-{}-{}", run_.id, &attempt - attempts_.data() + 1, ++attempt.jobs);
    attempt.has_run = false;
    attempt.status = RayStatus::kPending;
    attempt.percent = 0;
    return Send(attempt);
  }

  Status Send(Attempt& attempt) {
    Status sent = client_.Submit({.id = attempt.id,
                                  .command = attempt.command->command,
                                  .cpus = run_.cpus,
                                  .metadata = {{"forkcast", attempt.command->name},
                                               {"attempt", std::to_string(attempt.number)}}});
    attempt.is_submitted = static_cast<bool>(sent);
    return sent;
  }

  Status LookAtAll() {
    for (Attempt& attempt : attempts_) {
      if (attempt.status == RayStatus::kSucceeded) continue;
      if (Status looked = LookAt(attempt); !looked) return looked;
    }
    return {};
  }

  Status LookAt(Attempt& attempt) {
    // Ray was away when the shard was to be run again: that is no attempt of the shard.
    if (!attempt.is_submitted) return Send(attempt);
    Result<RayJob> job = client_.Find(attempt.id);
    // A cluster that was started anew has forgotten its jobs.
    if (!job && job.error().code == ErrorCode::kNotFound) {
      job = RayJob{.status = RayStatus::kFailed, .message = "Ray does not know the job any more"};
    }
    if (!job) return std::move(job).error();
    if (job->status != attempt.status) {
      attempt.status = job->status;
      if (job->status == RayStatus::kRunning) {
        attempt.has_run = true;
        Tell(attempt, "runs");
      }
    }
    switch (job->status) {
      case RayStatus::kPending:
        return {};
      case RayStatus::kRunning:
        NoteProgress(attempt);
        return {};
      case RayStatus::kSucceeded:
        Tell(attempt, "is done");
        return {};
      case RayStatus::kFailed:
      case RayStatus::kStopped:
        return Again(attempt, *job);
    }
    return {};
  }

  void NoteProgress(Attempt& attempt) {
    const Result<std::string> log = client_.LogEnd(attempt.id, 3);
    if (log) attempt.percent = std::min(PercentIn(*log), kAll);
  }

  /// Ray gives up a job that finds no place for 15 minutes, though others of the run have theirs.
  [[nodiscard]] bool WaitedTooLong(const Attempt& attempt, const RayJob& job) const {
    return !attempt.has_run && job.message.find("failed to start within") != std::string::npos &&
           std::ranges::any_of(attempts_, [](const Attempt& one) {
             return one.status == RayStatus::kRunning || one.status == RayStatus::kSucceeded;
           });
  }

  /// Another attempt, or the end of the run.
  Status Again(Attempt& attempt, const RayJob& job) {
    if (WaitedTooLong(attempt, job)) return SubmitJob(attempt);
    const std::string how = job.exit_code
                                ? fmt::format("ended with {}", *job.exit_code)
                                : fmt::format("{}", job.message.empty() ? "died" : job.message);
    const bool is_final = job.exit_code && std::ranges::find(run_.final_codes, *job.exit_code) !=
                                               run_.final_codes.end();
    if (!is_final && attempt.number < run_.attempts) {
      Tell(attempt, fmt::format("{}; it is run again", how));
      return Begin(attempt);
    }
    is_over_ = true;
    const Result<std::string> log = client_.LogEnd(attempt.id, kShownLines);
    const std::string shown =
        log && !log->empty() ? fmt::format("; the end of its log:\n{}", *log) : std::string();
    return Error{
        is_final ? ErrorCode::kRefusedData : ErrorCode::kIo,
        fmt::format("{} {}{}{}", attempt.command->name, how,
                    attempt.number > 1 ? fmt::format(", attempt {}", attempt.number) : "", shown)};
  }

  void Tell(const Attempt& attempt, std::string_view what) const {
    observer_.tell(fmt::format(
        "{} {}{}", attempt.command->name, what,
        attempt.number > 1 ? fmt::format(" (attempt {})", attempt.number) : std::string()));
  }

  [[nodiscard]] std::size_t Done() const {
    std::size_t done = 0;
    for (const Attempt& one : attempts_) {
      done += one.status == RayStatus::kSucceeded ? kAll : one.percent;
    }
    return done;
  }

  /// In short naps: a signal wants an answer at once. False when it was stopped meanwhile.
  [[nodiscard]] bool Wait(std::chrono::milliseconds pause) const {
    constexpr std::chrono::milliseconds kNap{50};
    const SteadyClock::time_point until = SteadyClock::now() + pause;
    while (SteadyClock::now() < until) {
      std::this_thread::sleep_for(std::min(kNap, pause));
      if (!observer_.progress(Done(), kAll * attempts_.size())) return false;
    }
    return true;
  }

  /// What is left of the run ends, so that nothing is trained that nobody waits for.
  void StopTheRest() {
    std::vector<Attempt*> left;
    for (Attempt& attempt : attempts_) {
      if (attempt.number == 0 || IsOver(attempt.status)) continue;
      if (client_.Stop(attempt.id)) left.push_back(&attempt);
    }
    const SteadyClock::time_point until = SteadyClock::now() + kStopPatience;
    while (!left.empty() && SteadyClock::now() < until) {
      std::erase_if(left, [this](const Attempt* attempt) {
        const Result<RayJob> job = client_.Find(attempt->id);
        return !job || IsOver(job->status);
      });
      if (!left.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    for (const Attempt* attempt : left) Tell(*attempt, "was told to stop, and has not yet");
  }

  RayClient& client_;
  const RayRun& run_;
  const RayObserver& observer_;
  std::vector<Attempt> attempts_;
  bool is_over_ = false;
};

}  // namespace

unsigned PercentIn(std::string_view log) noexcept {
  const std::size_t end = log.rfind(" %");
  if (end == log.npos) return 0;
  std::size_t begin = end;
  while (begin > 0 && log[begin - 1] >= '0' && log[begin - 1] <= '9') --begin;
  unsigned percent = 0;
  std::from_chars(log.data() + begin, log.data() + end, percent);
  return percent;
}

Result<bool> RunOnRay(RayClient& client, const RayRun& run, const RayObserver& observer) {
  return Run(client, run, observer)();
}

}  // namespace forkcast::model
