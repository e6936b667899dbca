#include "serving/jobs/job_worker.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "data_preprocessing/dao/record_store.hpp"
#include "serving/jobs/job_words.hpp"
#include "serving/jobs/owner_mark.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReopen{1'000};
constexpr milliseconds kSurelyBack{2'000};  // without a failure, once it is tried again
constexpr milliseconds kFollow{300};
constexpr milliseconds kForget{60'000};
constexpr milliseconds kTell{1'000};
constexpr milliseconds kTurn{250};
constexpr milliseconds kLastTries{2'000};
constexpr int kRequestsOfATurn = 32;

std::string_view WordFor(Care care) noexcept {
  switch (care) {
    case Care::kNothing:
      return "nothing";
    case Care::kSuspect:
      return "suspect";
    case Care::kQueueAgain:
      return "queue_again";
    case Care::kStop:
      return "stop";
    case Care::kGiveUp:
      return "give_up";
  }
  return "?";
}

}  // namespace

JobWorker::JobWorker(Options options, const Clock& clock, spdlog::logger& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      me_{.name = WorkerName(), .owner = OwnerMark()},
      desk_(options_.config) {}

void JobWorker::Run() {
  log_.info("job_worker_started worker={:?} at_once={}", me_.name, options_.at_once);
  while (true) {
    const MonotonicTime now = clock_.Monotonic();
    if (!stopping_ && (orphaned_ || options_.stops())) {
      stopping_ = true;
      leave_at_ = now + options_.times.term_to_kill + kLastTries;
    }
    if (stopping_) desk_.DropFollowers();
    AnswerRequests(now);
    AttendRuns(now);
    retiring_ = retiring_ || (options_.retires && options_.retires());
    if (!stopping_ && !retiring_ && now >= look_at_) LookForWork(now);
    if (desk_.has_followers() && now >= follow_at_) {
      if (JobQueue* const queue = Queue(now)) {
        if (const Status told = desk_.TellFollowers(*queue); !told) {
          OnStoreFailure(told.error());
        }
      }
      follow_at_ = now + kFollow;
    }
    Tell(now);
    if (runs_.empty() && (stopping_ || retiring_ || (options_.until_empty && is_idle_))) break;
    Wait(now);
  }
  log_.info("job_worker_ended worker={:?}", me_.name);
}

JobQueue* JobWorker::Queue(MonotonicTime now) {
  if (queue_) return queue_.get();
  if (now < reopen_at_) return nullptr;
  auto records =
      preprocessing::OpenRecords(options_.store, preprocessing::StoreAccess::kReadWriteCreate);
  if (!records) {
    OnStoreFailure(records.error());
    reopen_at_ = write_again_at_;
    return nullptr;
  }
  queue_ = std::make_unique<JobQueue>(*std::move(records));
  is_local_ = queue_->is_local();
  return queue_.get();
}

JobQueue* JobWorker::WritableQueue(MonotonicTime now) {
  return now < write_again_at_ ? nullptr : Queue(now);
}

void JobWorker::OnStoreFailure(const Error& error) {
  if (store_error_ != error.message) log_.error("job_store_failing error={:?}", error.message);
  store_error_ = error.message;
  queue_.reset();
  write_again_at_ = clock_.Monotonic() + kReopen;
}

void JobWorker::AnswerRequests(MonotonicTime now) {
  if (options_.requests < 0) return;
  for (int i = 0; i < kRequestsOfATurn; ++i) {
    auto asked = ReceiveJobRequest(options_.requests);
    if (!asked) return;
    JobQueue* const queue = asked->request.writes() ? WritableQueue(now) : Queue(now);
    if (queue == nullptr) {
      SendJobReply(asked->reply.get(), {.error = QueueOutOfReach()});
      continue;
    }
    try {
      if (const Status done = desk_.Answer(*queue, *asked, clock_.Now()); !done) {
        OnStoreFailure(done.error());
      }
    } catch (const std::exception& error) {
      log_.error("job_request_failed error={:?}", error.what());
      SendJobReply(asked->reply.get(), {.error = Error{ErrorCode::kInternal, error.what()}});
    }
    if (asked->request.kind == JobRequest::Kind::kSubmit) look_at_ = now;
    if (asked->request.kind == JobRequest::Kind::kFollow) follow_at_ = now;
    if (asked->request.kind == JobRequest::Kind::kStop) {
      for (Attempt& run : runs_) run.run->told_at = now - options_.times.beat;
    }
  }
}

void JobWorker::AttendRuns(MonotonicTime now) {
  for (auto next = runs_.begin(); next != runs_.end();) {
    const auto one = next++;
    Attend(*one, now);
    if (!one->outcome) continue;
    // Whoever takes our place sees that we are dead.
    if (!Settle(*one, now) && now < leave_at_) continue;
    runs_.erase(one);
    look_at_ = now;
  }
}

void JobWorker::Attend(Attempt& run, MonotonicTime now) {
  if (run.outcome) return;
  run.run->Listen();
  if (run.lease && run.lease->is_over() && !std::exchange(run.is_given_up, true)) {
    log_.error("job_given_up job={} reason={:?}", run.run->job().id, "the store is out of reach");
  }
  if (auto outcome = run.run->Reap()) {
    run.outcome = *std::move(outcome);
    run.lease.reset();
    return;
  }
  if (stopping_ || run.run->is_stopping()) run.run->Stop(now, options_.times);
  if (now >= run.run->told_at + options_.times.beat && !Beat(run, now)) {
    log_.error("job_lost job={} attempt={}", run.run->job().id, run.run->job().attempt);
    run.run->Kill();
  }
}

bool JobWorker::Beat(Attempt& run, MonotonicTime now) {
  run.run->told_at = now;
  JobQueue* const queue = WritableQueue(now);
  if (queue == nullptr) return true;  // not known
  const JobLog& log = run.run->log();
  const MonotonicTime asked = clock_.Monotonic();
  const auto written = queue->Update(
      run.run->job(), [&run](JobRecord& changed) { changed.progress = run.run->progress(); },
      log.end() == run.run->log_told ? nullptr : &log);
  if (!written) {
    OnStoreFailure(written.error());
    return true;
  }
  if (!*written) return false;
  run.run->log_told = log.end();
  if (run.lease) run.lease->Extend(asked + options_.times.give_up);
  if ((*written)->stop_asked) run.run->Stop(now, options_.times);
  return true;
}

bool JobWorker::Settle(Attempt& run, MonotonicTime now) {
  JobQueue* const queue = WritableQueue(now);
  if (queue == nullptr) return false;
  const JobRecord& job = run.run->job();
  const Instant ended = clock_.Now();
  const auto change = [&](JobRecord& changed) {
    JobOutcome outcome = *run.outcome;
    const bool is_ours = stopping_ || run.is_given_up;
    if (outcome.state != JobState::kSucceeded && is_ours && changed.stop_asked) {
      outcome.state = JobState::kStopped;
      outcome.error.reset();
    }
    if (outcome.state != JobState::kSucceeded && is_ours && !changed.stop_asked) {
      // It is we who have to go, not the job.
      changed.state = JobState::kQueued;
      changed.progress = {.doing = "waits again: its worker was stopped"};
      changed.owner.clear();
      --changed.attempt;
      return;
    }
    changed.state = outcome.state;
    changed.ended_at = ended;
    changed.error = outcome.error;
    changed.verdict = outcome.verdict;
    changed.version = outcome.version;
    changed.progress = run.run->progress();
    changed.progress.remaining_s.reset();
    if (outcome.state == JobState::kSucceeded) changed.progress.percent = 100;
  };
  const auto written = queue->Update(job, change, &run.run->log());
  if (!written) {
    OnStoreFailure(written.error());
    return false;
  }
  if (!*written) {
    log_.warn("job_was_taken job={} attempt={}", job.id, job.attempt);
    return true;
  }
  const JobRecord& done = **written;
  log_.info("job_ended job={} kind={} deployment={:?} state={} attempt={} error={:?}", done.id,
            WordFor(done.order.kind), done.order.deployment, WordFor(done.state), job.attempt,
            done.error ? done.error->message : "");
  if (done.state == JobState::kSucceeded) ++report_.succeeded;
  if (done.state == JobState::kFailed) ++report_.failed;
  if (done.state == JobState::kStopped) ++report_.stopped;
  follow_at_ = now;
  return true;
}

bool JobWorker::IsOurs(const JobRecord& job) const noexcept {
  return job.owner == me_.owner && std::ranges::any_of(runs_, [&job](const Attempt& run) {
           return run.run->job().id == job.id;
         });
}

void JobWorker::LookForWork(MonotonicTime now) {
  look_at_ = now + options_.times.look;
  JobQueue* const queue = WritableQueue(now);
  if (queue == nullptr) return;
  // A beat that is the same is so from when it was read on, to before it was read again: the store
  // may take its time.
  const MonotonicTime asked = clock_.Monotonic();
  const auto active = queue->Active();
  if (!active) return OnStoreFailure(active.error());
  beats_.Look(*active, clock_.Monotonic());
  report_.queued = 0;
  report_.running = 0;
  std::optional<Instant> oldest;
  for (const JobRecord& job : *active) {
    ++(job.state == JobState::kQueued ? report_.queued : report_.running);
    if (job.state == JobState::kQueued) {
      oldest = std::min(oldest.value_or(job.submitted_at), job.submitted_at);
    }
  }
  // A clock that was set back makes nothing older than now.
  const auto waited = oldest ? clock_.Now() - *oldest : std::chrono::microseconds(0);
  report_.oldest_queued_s = static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::floor<std::chrono::seconds>(waited).count(), 0));
  TakeCare(*queue, *active, asked);
  is_idle_ = false;
  while (queue_ != nullptr && runs_.size() < options_.at_once) {
    auto claimed = queue->Claim(*active, me_, clock_.Now());
    if (!claimed) return OnStoreFailure(claimed.error());
    if (!*claimed) {
      is_idle_ = runs_.empty() && report_.running == 0 && !NextOf(*active);
      break;
    }
    Begin(*queue, *std::move(*claimed), now);
    if (runs_.empty()) look_at_ = now;  // it could not be begun
    if (runs_.size() == options_.at_once || runs_.empty()) break;
  }
  if (queue_ != nullptr && now >= forget_at_) {
    forget_at_ = now + kForget;
    if (const Status forgotten = queue->Forget(); !forgotten) OnStoreFailure(forgotten.error());
  }
  const bool is_back = queue_ != nullptr && now >= write_again_at_ + kSurelyBack;
  if (is_back && !store_error_.empty()) {
    log_.info("job_store_recovered");
    store_error_.clear();
  }
}

void JobWorker::TakeCare(JobQueue& queue, const std::vector<JobRecord>& active, MonotonicTime now) {
  for (const JobRecord& job : active) {
    if (job.state != JobState::kRunning || IsOurs(job)) continue;
    // What has our own mark and does not run here is what we could not begin, or not write.
    const OwnerLife life = job.owner == me_.owner ? OwnerLife::kDead : LifeOf(job.owner);
    const Care care = CareFor(job, life, beats_.Unchanged(job, now), options_.times);
    if (care == Care::kNothing) continue;
    const Result<bool> done = queue.Care(job, care, clock_.Now());
    if (!done) return OnStoreFailure(done.error());
    if (!*done) continue;
    log_.warn("job_worker_dead job={} worker={:?} attempt={} care={}", job.id, job.worker,
              job.attempt, WordFor(care));
    look_at_ = now;
  }
}

void JobWorker::Begin(JobQueue& queue, JobRecord job, MonotonicTime now) {
  if (job.stop_asked) {
    static_cast<void>(queue.Care(job, Care::kStop, clock_.Now()));
    return;
  }
  Result<std::vector<std::string>> words = WordsOf(job.order, options_.config);
  if (!words) return Refuse(queue, job, words.error());
  // A version's files may have taken longer than others wait for a beat.
  const MonotonicTime ready = clock_.Monotonic();
  const bool is_late = ready >= now + options_.times.beat;
  if (is_late) {
    const auto ours = queue.Update(job, [](JobRecord&) {});
    if (!ours) return OnStoreFailure(ours.error());
    if (!*ours) return;
  }
  log_.info("job_begun job={} kind={} deployment={:?} attempt={} by={:?}", job.id,
            WordFor(job.order.kind), job.order.deployment, job.attempt, job.submitted_by);
  try {
    Attempt begun{.run = std::make_unique<JobRun>(job, *words, options_.limits, ready)};
    if (!is_local_) {
      begun.lease =
          guard_.Watch(begun.run->pidfd(), (is_late ? ready : now) + options_.times.give_up);
    }
    runs_.push_back(std::move(begun));
  } catch (const std::system_error& error) {
    Refuse(queue, job, {ErrorCode::kIo, error.what()});
  }
}

void JobWorker::Refuse(JobQueue& queue, const JobRecord& job, const Error& error) {
  log_.warn("job_refused job={} error={:?}", job.id, error.message);
  const Instant ended = clock_.Now();
  const std::string code = error.code == ErrorCode::kNotFound          ? "not_found"
                           : error.code == ErrorCode::kInvalidArgument ? "invalid_argument"
                                                                       : "io";
  // A failure of the store is met by TakeCare(): the job is ours, and does not run.
  static_cast<void>(queue.Update(job, [&](JobRecord& changed) {
    changed.state = JobState::kFailed;
    changed.ended_at = ended;
    changed.error =
        JobError{.code = code, .message = Clipped(error.message, 2'000), .field = error.field};
  }));
  ++report_.failed;
}

void JobWorker::Tell(MonotonicTime now) {
  if (options_.tell < 0) return;
  if (now >= tell_at_) {
    tell_at_ = now + kTell;
    report_.doing.clear();
    for (const Attempt& run : runs_) {
      report_.doing +=
          fmt::format("{}job {} {} {}", report_.doing.empty() ? "" : ", ", run.run->job().id,
                      WordFor(run.run->job().order.kind), run.run->job().order.deployment);
    }
    report_.error = store_error_;
    std::string text = TextOf(report_);
    if (text != told_ &&
        ::send(options_.tell, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      told_ = std::move(text);
    }
  }
  // Nobody writes there: it is readable when the master is gone.
  pollfd master{.fd = options_.tell, .events = POLLIN, .revents = 0};
  orphaned_ = orphaned_ || ::poll(&master, 1, 0) > 0;
}

void JobWorker::Wait(MonotonicTime now) {
  std::vector<pollfd> watched;
  const auto watch = [&watched](int fd) {
    if (fd >= 0) watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  };
  watch(options_.requests);
  if (!orphaned_) watch(options_.tell);
  for (const Attempt& run : runs_) {
    for (const int fd : run.run->watched()) watch(fd);
  }
  MonotonicTime until = now + kTurn;
  if (!stopping_ && !retiring_) until = std::min(until, look_at_);
  if (desk_.has_followers()) until = std::min(until, follow_at_);
  const auto patience = std::chrono::ceil<milliseconds>(until - now);
  // EINTR: it is to stop, which the next turn sees.
  ::poll(watched.data(), watched.size(),
         static_cast<int>(std::max<std::int64_t>(patience.count(), 0)));
}

}  // namespace forkcast::serving
