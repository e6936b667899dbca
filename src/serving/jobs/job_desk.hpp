#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"
#include "serving/jobs/job_message.hpp"
#include "serving/jobs/job_queue.hpp"

namespace forkcast::serving {

/// Where an event stream stands: the job's revision and the lines of its log that were told.
struct EventPlace {
  std::int64_t revision = 0;
  std::uint64_t line = 0;

  friend bool operator==(const EventPlace&, const EventPlace&) = default;
};
/// "12.34". What is no such text is the beginning.
[[nodiscard]] EventPlace ReadEventPlace(std::string_view text) noexcept;

/// The events behind `place`, as a text/event-stream, and moves it behind them: lines of the log,
/// then the job where it has changed. As many as fit into one answer.
[[nodiscard]] std::string EventsSince(const JobRecord& job, const JobLog& log, EventPlace& place);

/// What callers are told while the store fails; why is the operators' to know.
[[nodiscard]] Error QueueOutOfReach();

/// Answers what callers ask of a queue, and tells those who follow a job what becomes of it.
class JobDesk {
 public:
  /// Who follow jobs at once, over all workers.
  static constexpr std::size_t kMostFollowers = 256;

  /// `config` outlives it.
  explicit JobDesk(const ServerConfig& config) : config_(config) {}

  /// Answers, or begins to tell what becomes of a job. Nothing is done for those who have left:
  /// they were told to try again. A failure of the store is an answer, too, and is returned.
  Status Answer(JobQueue& queue, ReceivedJobRequest& asked, Instant now);
  /// Tells those who follow what is new. A failure of the store.
  Status TellFollowers(JobQueue& queue);
  /// Ends all streams: their callers come again.
  void DropFollowers() noexcept { followers_.clear(); }
  [[nodiscard]] bool has_followers() const noexcept { return !followers_.empty(); }

 private:
  struct Follower {
    Fd reply;
    std::uint64_t id = 0;
    EventPlace place{};
  };

  Result<JobReply> Do(JobQueue& queue, const JobRequest& request, Instant now);
  Result<JobReply> Submit(JobQueue& queue, const JobRequest& request, Instant now);
  Result<JobReply> List(JobQueue& queue, const JobRequest& request);
  Result<JobReply> Show(JobQueue& queue, const JobRecord& job);
  Result<JobReply> Follow(JobQueue& queue, ReceivedJobRequest& asked);

  const ServerConfig& config_;
  std::list<Follower> followers_;
};

/// The job with the last lines of its log, as callers see it: as many as fit into `most` bytes.
[[nodiscard]] std::string TextOf(const JobRecord& job, const JobLog& log,
                                 std::size_t most = std::string::npos);

}  // namespace forkcast::serving
