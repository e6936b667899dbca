#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "serving/metrics/metric_values.hpp"
#include "serving/service/job_control.hpp"

namespace boost::asio {
class io_context;
}

namespace forkcast::serving {

/// Requests about jobs, each on its way to the trainer over a socket that all workers share. Its
/// answers come over a socket of its own, which the loop watches: nobody waits for them.
class JobWindow final : public JobControl {
 public:
  /// That wait at once, of one worker, and that follow jobs.
  static constexpr std::size_t kMostWaiting = 16;
  static constexpr std::size_t kMostFollowing = 32;

  /// `socket` is the workers' end; `metrics` the worker's. `on_answer` is called on the loop when
  /// some answer is there. All outlive it.
  JobWindow(boost::asio::io_context& loop, int socket, MetricValues& metrics,
            std::function<void()> on_answer);
  ~JobWindow() override;

  Result<std::unique_ptr<PendingJobRequest>> Send(const JobRequest& request) override;
  [[nodiscard]] bool has_followers() const noexcept { return following_ > 0; }

 private:
  class Pending;

  boost::asio::io_context& loop_;
  int socket_;
  MetricValues& metrics_;
  std::function<void()> on_answer_;
  std::size_t waiting_ = 0;
  std::size_t following_ = 0;
};

}  // namespace forkcast::serving
