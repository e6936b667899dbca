#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/jobs/job.hpp"

// What is decided of a queue, without I/O. A job that runs belongs to one worker, who writes its
// record every few seconds (its *beat*). Nobody goes by another machine's clock, nor by wall time:
// whoever looks at a queue counts, by its own monotonic clock, how long it has seen the same beat.
//
// A job is taken from a worker that has died in two steps, each of which takes a lease: first its
// record is marked as suspected, which only succeeds where the store can be written; then, if the
// worker has not written since, the job is queued again. A worker that cannot write ends its job
// before a lease is over; so a job runs once at a time, whatever clocks say. (Leases by
// observation: Amazon's lock client for DynamoDB has them.) On the same machine a worker's death
// can be seen, and nobody waits.
namespace forkcast::serving {

struct QueueTimes {
  std::chrono::milliseconds beat{1'000};      ///< From one to the next.
  std::chrono::milliseconds lease{15'000};    ///< That the same beat is seen.
  std::chrono::milliseconds give_up{10'000};  ///< A worker that cannot write ends its job.
  std::chrono::milliseconds term_to_kill{5'000};
  std::chrono::milliseconds look{1'000};  ///< From one look at the queue to the next.
};

/// A job that ended its workers so often is not tried again.
inline constexpr std::uint64_t kMostAttempts = 10;
/// So many that have ended are remembered.
inline constexpr std::size_t kMostEnded = 1'000;
/// So many may wait.
inline constexpr std::size_t kMostQueued = 1'000;

/// What is known of the worker that a record names.
enum class OwnerLife : std::uint8_t {
  kUnknown,  ///< It is on another machine.
  kDead,     ///< It was on this machine, and is no more.
  kAlive,
};

/// What is to be done about a job that runs elsewhere.
enum class Care : std::uint8_t {
  kNothing,
  kSuspect,     ///< Mark it.
  kQueueAgain,  ///< Its worker is dead.
  kStop,        ///< The same, and it was to be stopped.
  kGiveUp,      ///< The same, and that too often.
};

/// `unchanged`: so long its beat has been seen as it is.
[[nodiscard]] Care CareFor(const JobRecord& job, OwnerLife life, std::chrono::nanoseconds unchanged,
                           const QueueTimes& times = {}) noexcept;

/// The job to begin next: the oldest that is queued, of a subject of which none runs. By position;
/// none: nothing can begin.
[[nodiscard]] std::optional<std::size_t> NextOf(std::span<const JobRecord> jobs);

/// How long the same beats have been seen.
class BeatWatch {
 public:
  /// To be called with all that run, at each look; `now`: when they had been read.
  void Look(std::span<const JobRecord> jobs, MonotonicTime now);
  /// Zero for one that was not there at the last look; `now`: before that was read.
  [[nodiscard]] std::chrono::nanoseconds Unchanged(const JobRecord& job, MonotonicTime now) const;

 private:
  struct Seen {
    std::uint64_t attempt = 0;
    std::uint64_t beat = 0;
    bool is_suspected = false;
    MonotonicTime since;
  };
  std::map<std::uint64_t, Seen> seen_;
};

}  // namespace forkcast::serving
