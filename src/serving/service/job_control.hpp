#pragma once

#include <memory>
#include <optional>

#include "data_preprocessing/base/result.hpp"
#include "serving/jobs/job_message.hpp"

namespace forkcast::serving {

/// A request that the trainer has, or will have when it is back. Destroying it gives it up.
class PendingJobRequest {
 public:
  virtual ~PendingJobRequest() = default;

  /// The next of its answers; none: it is not there yet. kNotReady: there will be none, since the
  /// trainer ended, or has told all.
  virtual std::optional<Result<JobReply>> Take() = 0;
};

/// What hands requests about jobs to the trainer, which alone knows their queue. Belongs to the
/// worker's loop, which it wakes when an answer is there.
class JobControl {
 public:
  virtual ~JobControl() = default;

  /// kNotReady when too many wait already; kOverloaded when too many follow jobs.
  virtual Result<std::unique_ptr<PendingJobRequest>> Send(const JobRequest& request) = 0;
};

}  // namespace forkcast::serving
