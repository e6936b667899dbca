#include "serving/jobs/job_queue_rules.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace forkcast::serving {

Care CareFor(const JobRecord& job, OwnerLife life, std::chrono::nanoseconds unchanged,
             const QueueTimes& times) noexcept {
  if (job.state != JobState::kRunning || life == OwnerLife::kAlive) return Care::kNothing;
  if (life == OwnerLife::kUnknown) {
    if (unchanged < times.lease) return Care::kNothing;
    if (!job.is_suspected) return Care::kSuspect;
  }
  if (job.stop_asked) return Care::kStop;
  return job.attempt >= kMostAttempts ? Care::kGiveUp : Care::kQueueAgain;
}

std::optional<std::size_t> NextOf(std::span<const JobRecord> jobs) {
  std::set<std::string_view> at_work;
  for (const JobRecord& job : jobs) {
    if (job.state == JobState::kRunning) at_work.insert(job.subject());
  }
  std::optional<std::size_t> next;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].state != JobState::kQueued || at_work.contains(jobs[i].subject())) continue;
    if (!next || jobs[i].id < jobs[*next].id) next = i;
  }
  return next;
}

void BeatWatch::Look(std::span<const JobRecord> jobs, MonotonicTime now) {
  std::map<std::uint64_t, Seen> seen;
  for (const JobRecord& job : jobs) {
    if (job.state != JobState::kRunning) continue;
    const auto before = seen_.find(job.id);
    const bool is_same = before != seen_.end() && before->second.attempt == job.attempt &&
                         before->second.beat == job.beat &&
                         before->second.is_suspected == job.is_suspected;
    seen[job.id] = {.attempt = job.attempt,
                    .beat = job.beat,
                    .is_suspected = job.is_suspected,
                    .since = is_same ? before->second.since : now};
  }
  seen_ = std::move(seen);
}

std::chrono::nanoseconds BeatWatch::Unchanged(const JobRecord& job, MonotonicTime now) const {
  const auto seen = seen_.find(job.id);
  return seen == seen_.end() ? std::chrono::nanoseconds(0) : now - seen->second.since;
}

}  // namespace forkcast::serving
