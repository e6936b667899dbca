#include "serving/jobs/job_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "serving/jobs/job_order.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Record;
using preprocessing::RecordChange;

// Names of shelves, which FORMAT.md beside this file describes.
constexpr std::string_view kJobs = "jobs";
constexpr std::string_view kLogs = "job_logs";
constexpr std::string_view kKeys = "job_keys";
constexpr std::string_view kQueue = "job_queue";
/// Its one record: the number of the newest job. Whoever submits or claims writes it, so that they
/// happen one after the other.
constexpr std::string_view kHead = "head";
/// So often others may be faster.
constexpr int kMostTries = 50;

Error TooBusy() {
  return {ErrorCode::kNotReady, "too many change the queue of jobs at once: try again"};
}

std::string IdText(std::uint64_t id) { return std::to_string(id); }

Result<JobRecord> JobIn(const Record& record) {
  const auto id = JobIdOf(record.id);
  if (!id) {
    return Error{ErrorCode::kCorrupt, fmt::format("\"{}\" is no number of a job", record.id)};
  }
  Result<JobRecord> job = ReadJob(*id, record.text);
  if (job) job->revision = record.revision;
  return job;
}

Result<std::vector<JobRecord>> JobsIn(const Result<std::vector<Record>>& records) {
  if (!records) return records.error();
  std::vector<JobRecord> jobs;
  jobs.reserve(records->size());
  for (const Record& record : *records) {
    // A damaged one holds no other up; Find() says what is wrong with it.
    if (Result<JobRecord> job = JobIn(record)) jobs.push_back(*std::move(job));
  }
  return jobs;
}

struct Head {
  std::uint64_t newest = 0;
  std::int64_t revision = 0;

  [[nodiscard]] RecordChange Next(std::uint64_t number) const {
    return {.shelf = std::string(kQueue),
            .id = std::string(kHead),
            .expected = revision,
            .text = IdText(number)};
  }
};
Result<Head> ReadHead(preprocessing::RecordStore& records) {
  const auto record = records.Get(kQueue, kHead);
  if (!record) return record.error();
  if (!*record) return Head{};
  const auto newest = JobIdOf((*record)->text);
  if (!newest) return Error{ErrorCode::kCorrupt, "the head of the queue of jobs is damaged"};
  return Head{.newest = *newest, .revision = (*record)->revision};
}

bool IsAskedFor(const JobRecord& job, const JobQueue::Filter& filter) {
  return (!filter.kind || job.order.kind == *filter.kind) &&
         (filter.deployment.empty() || job.order.deployment == filter.deployment);
}

/// Whatever the deployment serves by now.
bool AsksTheSame(const JobOrder& one, JobOrder other) {
  other.subject = one.subject;
  return one == other;
}

void End(JobRecord& job, JobState state, Instant now) {
  job.state = state;
  job.ended_at = now;
  job.is_suspected = false;
  job.progress.remaining_s.reset();
}

}  // namespace

RecordChange JobQueue::ChangeOf(const JobRecord& job) {
  return {.shelf = std::string(kJobs),
          .id = IdText(job.id),
          .expected = job.revision,
          .label = std::string(WordFor(job.state)),
          .text = RecordOf(job)};
}

Result<RecordChange> JobQueue::ChangeOfLog(std::uint64_t id, const JobLog& log) {
  const auto record = records_->Get(kLogs, IdText(id));
  if (!record) return record.error();
  return RecordChange{.shelf = std::string(kLogs),
                      .id = IdText(id),
                      .expected = *record ? (*record)->revision : 0,
                      .text = log.Record()};
}

Result<std::optional<JobRecord>> JobQueue::Write(JobRecord job, std::vector<RecordChange> others) {
  others.push_back(ChangeOf(job));
  const Result<bool> done = records_->Change(std::move(others));
  if (!done) return done.error();
  if (!*done) return std::optional<JobRecord>();
  ++job.revision;
  return std::optional(std::move(job));
}

Result<JobQueue::Submitted> JobQueue::Submit(const Request& request, Instant now) {
  if (Status good = CheckRequestKey(request.key); !good) return std::move(good).error();
  for (int i = 0; i < kMostTries; ++i) {
    if (!request.key.empty()) {
      const auto known = records_->Get(kKeys, request.key);
      if (!known) return known.error();
      if (*known) {
        const auto id = JobIdOf((*known)->text);
        Result<std::optional<JobRecord>> job = Find(id.value_or(0));
        if (!job) return std::move(job).error();
        if (*job && !AsksTheSame((*job)->order, request.order)) {
          return Error{ErrorCode::kConflict, "this key was used for another job",
                       "Idempotency-Key"};
        }
        if (*job) return Submitted{.job = *std::move(*job), .is_new = false};
      }
    }
    const Result<Head> head = ReadHead(*records_);
    if (!head) return head.error();
    const auto queued = records_->Find(kJobs, std::array{std::string(WordFor(JobState::kQueued))});
    if (!queued) return queued.error();
    if (queued->size() >= kMostQueued) {
      return Error{ErrorCode::kOverloaded,
                   fmt::format("{} jobs wait already: stop some, or wait", queued->size())};
    }
    JobRecord job{.id = head->newest + 1,
                  .order = request.order,
                  .submitted_at = now,
                  .submitted_by = request.submitted_by,
                  .key_of_request = request.key};
    std::vector<RecordChange> changes{head->Next(job.id), ChangeOf(job)};
    if (!request.key.empty()) {
      changes.push_back({.shelf = std::string(kKeys), .id = request.key, .text = IdText(job.id)});
    }
    const Result<bool> done = records_->Change(std::move(changes));
    if (!done) return done.error();
    if (!*done) continue;
    job.revision = 1;
    return Submitted{.job = std::move(job)};
  }
  return TooBusy();
}

Result<std::optional<JobRecord>> JobQueue::Find(std::uint64_t id) {
  const auto record = records_->Get(kJobs, IdText(id));
  if (!record) return record.error();
  if (!*record) return std::optional<JobRecord>();
  Result<JobRecord> job = JobIn(**record);
  if (!job) return std::move(job).error();
  return std::optional(*std::move(job));
}

Result<std::vector<JobRecord>> JobQueue::List(const Filter& filter) {
  std::vector<std::string> labels;
  if (filter.state) labels.emplace_back(WordFor(*filter.state));
  Result<std::vector<JobRecord>> jobs = JobsIn(records_->Find(kJobs, labels));
  if (!jobs) return jobs;
  std::erase_if(*jobs, [&filter](const JobRecord& job) { return !IsAskedFor(job, filter); });
  std::ranges::sort(*jobs, std::ranges::greater{}, &JobRecord::id);
  if (jobs->size() > filter.limit) {
    jobs->erase(jobs->begin() + static_cast<std::ptrdiff_t>(filter.limit), jobs->end());
  }
  return jobs;
}

Result<std::vector<JobRecord>> JobQueue::Active() {
  return JobsIn(records_->Find(kJobs, std::array{std::string(WordFor(JobState::kQueued)),
                                                 std::string(WordFor(JobState::kRunning))}));
}

Result<JobQueue::Counts> JobQueue::Count() {
  const auto records = records_->Find(kJobs, {});
  if (!records) return records.error();
  Counts counts{};
  for (const Record& record : *records) {
    if (const auto state = JobStateOf(record.label)) ++counts[static_cast<std::size_t>(*state)];
  }
  return counts;
}

Result<std::optional<JobRecord>> JobQueue::Claim(const std::vector<JobRecord>& active,
                                                 const Worker& worker, Instant now) {
  const auto next = NextOf(active);
  if (!next) return std::optional<JobRecord>();
  const Result<Head> head = ReadHead(*records_);
  if (!head) return head.error();
  // What has been begun since `active` was read must be seen: the head is of before this look.
  const Result<std::vector<JobRecord>> now_active = Active();
  if (!now_active) return now_active.error();
  const auto place = NextOf(*now_active);
  if (!place) return std::optional<JobRecord>();
  JobRecord job = (*now_active)[*place];
  job.state = JobState::kRunning;
  ++job.attempt;
  job.started_at = now;
  job.ended_at.reset();
  job.progress = {};
  job.worker = worker.name;
  job.owner = worker.owner;
  ++job.beat;
  job.is_suspected = false;
  job.error.reset();
  const Result<bool> done = records_->Change({head->Next(head->newest), ChangeOf(job)});
  if (!done) return done.error();
  if (!*done) return std::optional<JobRecord>();
  ++job.revision;
  return std::optional(std::move(job));
}

Result<std::optional<JobRecord>> JobQueue::Update(const JobRecord& begun,
                                                  const std::function<void(JobRecord&)>& change,
                                                  const JobLog* log) {
  for (int i = 0; i < kMostTries; ++i) {
    Result<std::optional<JobRecord>> job = Find(begun.id);
    if (!job) return job;
    // Attempts that their workers gave back are not counted: another's may have the same number.
    const bool is_ours = *job && (*job)->state == JobState::kRunning &&
                         (*job)->attempt == begun.attempt && (*job)->owner == begun.owner;
    if (!is_ours) return std::optional<JobRecord>();
    std::vector<RecordChange> others;
    if (log != nullptr) {
      Result<RecordChange> logged = ChangeOfLog(begun.id, *log);
      if (!logged) return std::move(logged).error();
      others.push_back(*std::move(logged));
    }
    change(**job);
    ++(*job)->beat;
    (*job)->is_suspected = false;
    Result<std::optional<JobRecord>> written = Write(*std::move(*job), std::move(others));
    if (!written || *written) return written;
  }
  return TooBusy();
}

Result<bool> JobQueue::Care(const JobRecord& job, serving::Care care, Instant now) {
  JobRecord changed = job;
  switch (care) {
    case serving::Care::kNothing:
      return true;
    case serving::Care::kSuspect:
      changed.is_suspected = true;
      break;
    case serving::Care::kQueueAgain:
      changed.state = JobState::kQueued;
      changed.progress = {.doing = "waits again: its worker ended"};
      changed.is_suspected = false;
      changed.owner.clear();
      break;
    case serving::Care::kStop:
      End(changed, JobState::kStopped, now);
      break;
    case serving::Care::kGiveUp:
      End(changed, JobState::kFailed, now);
      changed.error =
          JobError{.code = "given_up",
                   .message = fmt::format("{} workers ended while they did it", changed.attempt)};
      break;
  }
  const Result<std::optional<JobRecord>> written = Write(std::move(changed));
  if (!written) return written.error();
  return written->has_value();
}

Result<std::optional<JobRecord>> JobQueue::AskStop(std::uint64_t id, Instant now) {
  for (int i = 0; i < kMostTries; ++i) {
    Result<std::optional<JobRecord>> job = Find(id);
    if (!job || !*job || IsFinal((*job)->state)) return job;
    (*job)->stop_asked = true;
    if ((*job)->state == JobState::kQueued) End(**job, JobState::kStopped, now);
    Result<std::optional<JobRecord>> written = Write(*std::move(*job));
    if (!written || *written) return written;
  }
  return TooBusy();
}

Result<JobLog> JobQueue::LogOf(std::uint64_t id) {
  const auto record = records_->Get(kLogs, IdText(id));
  if (!record) return record.error();
  return *record ? JobLog::Read((*record)->text) : JobLog();
}

Status JobQueue::Forget() {
  const Result<std::vector<JobRecord>> ended =
      JobsIn(records_->Find(kJobs, std::array{std::string(WordFor(JobState::kSucceeded)),
                                              std::string(WordFor(JobState::kFailed)),
                                              std::string(WordFor(JobState::kStopped))}));
  if (!ended) return ended.error();
  if (ended->size() <= kMostEnded) return {};
  std::vector<JobRecord> jobs = *ended;
  std::ranges::sort(jobs, std::ranges::greater{}, &JobRecord::id);
  for (std::size_t i = kMostEnded; i < jobs.size(); ++i) {
    std::vector<RecordChange> changes{ChangeOf(jobs[i])};
    changes.front().is_removed = true;
    const std::string& key = jobs[i].key_of_request;
    for (const auto& [shelf, id] : {std::pair(kLogs, IdText(jobs[i].id)), std::pair(kKeys, key)}) {
      if (id.empty()) continue;
      const auto record = records_->Get(shelf, id);
      if (!record) return record.error();
      if (!*record) continue;
      changes.push_back({.shelf = std::string(shelf),
                         .id = id,
                         .expected = (*record)->revision,
                         .is_removed = true});
    }
    // False: somebody else forgets it, too.
    const Result<bool> done = records_->Change(std::move(changes));
    if (!done) return done.error();
  }
  return {};
}

}  // namespace forkcast::serving
