#pragma once

#include <memory>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/service/job_control.hpp"
#include "serving/service/service.hpp"

namespace forkcast::serving {

class ApiOperation;

/// A request about jobs, which the trainer answers; the connection rests until the answer is there,
/// or its time is over.
class JobsJob : public Job {
 public:
  Status Begin(Exchange& exchange) override;
  Progress Work() override;

 protected:
  explicit JobsJob(Service& service) : service_(service) {}

  /// What is asked. An error is the answer.
  virtual Result<JobRequest> Ask() = 0;
  /// Writes what the trainer has said.
  virtual void Answer(const JobReply& reply);
  /// Writes an error, of the trainer's or of ours.
  virtual void Refuse(const Error& error) { exchange_->Refuse(error); }

  [[nodiscard]] Exchange& exchange() const noexcept { return *exchange_; }
  [[nodiscard]] Service& service() const noexcept { return service_; }
  [[nodiscard]] bool is_over() const noexcept;
  /// Sends what is asked; an error is the answer.
  Status Send();
  [[nodiscard]] PendingJobRequest* pending() const noexcept { return pending_.get(); }
  void Forget() noexcept { pending_.reset(); }

 private:
  Service& service_;
  Exchange* exchange_ = nullptr;
  std::unique_ptr<PendingJobRequest> pending_;  // once it was sent
};

/// `POST /jobs`.
class SubmitJobJob final : public JobsJob {
 public:
  explicit SubmitJobJob(Service& service) : JobsJob(service) {}

 private:
  Result<JobRequest> Ask() override;
  void Answer(const JobReply& reply) override;
};
void DescribeSubmitJob(ApiOperation& operation);

/// `GET /jobs`.
class ListJobsJob final : public JobsJob {
 public:
  explicit ListJobsJob(Service& service) : JobsJob(service) {}

 private:
  Result<JobRequest> Ask() override;
};
void DescribeListJobs(ApiOperation& operation);

/// `GET /jobs/{id}`.
class ShowJobJob final : public JobsJob {
 public:
  explicit ShowJobJob(Service& service) : JobsJob(service) {}

 private:
  Result<JobRequest> Ask() override;
};
void DescribeShowJob(ApiOperation& operation);

/// `DELETE /jobs/{id}`.
class StopJobJob final : public JobsJob {
 public:
  explicit StopJobJob(Service& service) : JobsJob(service) {}

 private:
  Result<JobRequest> Ask() override;
  void Answer(const JobReply& reply) override;
};
void DescribeStopJob(ApiOperation& operation);

/// `GET /jobs/{id}/events`: server-sent events, until the job has ended, nobody listens any more,
/// or the worker drains. A comment every few seconds keeps proxies from giving up, and shows
/// whether anybody is there.
class FollowJobJob final : public JobsJob {
 public:
  static constexpr std::chrono::seconds kHeartbeat{5};

  explicit FollowJobJob(Service& service) : JobsJob(service) {}

  Status Begin(Exchange& exchange) override;
  Progress Work() override;

 private:
  Result<JobRequest> Ask() override;

  bool streams_ = false;  // the first answer has come
  MonotonicTime beat_at_;
};
void DescribeFollowJob(ApiOperation& operation);

}  // namespace forkcast::serving
