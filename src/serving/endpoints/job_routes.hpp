#pragma once

#include <memory>
#include <string>

#include "serving/endpoints/jobs.hpp"
#include "serving/routes/route.hpp"

namespace forkcast::serving {

/// A route that a deployment declares for jobs: what is asked of the trainer, and its answer in the
/// words of callers.
class JobByRoute : public JobsJob {
 public:
  Status Begin(Exchange& exchange) final;

 protected:
  explicit JobByRoute(Service& service) : JobsJob(service) {}

  void Answer(const JobReply& reply) final;
  void Refuse(const Error& error) final;

  [[nodiscard]] const RouteSpec& spec() const noexcept { return route_->spec(); }
  /// Whose route it is.
  [[nodiscard]] const std::string& deployment() const noexcept { return deployment_; }

 private:
  std::shared_ptr<const Route> route_;
  std::string deployment_;
};

/// Takes a job into the queue.
class SubmitByRouteJob final : public JobByRoute {
 public:
  explicit SubmitByRouteJob(Service& service) : JobByRoute(service) {}

 private:
  Result<JobRequest> Ask() override;
};

/// Tells the state of one.
class StateByRouteJob final : public JobByRoute {
 public:
  explicit StateByRouteJob(Service& service) : JobByRoute(service) {}

 private:
  Result<JobRequest> Ask() override;
};

}  // namespace forkcast::serving
