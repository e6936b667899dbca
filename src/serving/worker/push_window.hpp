#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "serving/metrics/metric_values.hpp"
#include "serving/service/push_control.hpp"

namespace boost::asio {
class io_context;
}

namespace forkcast::serving {

/// Requests about tables, each on its way to the refresher over a socket that all workers share.
/// Its answer comes over a socket of its own, which the loop watches: nobody waits for it.
class PushWindow final : public PushControl {
 public:
  /// That wait at once, of one worker.
  static constexpr std::size_t kMostWaiting = 16;

  /// `socket` is the workers' end; `metrics` the worker's. `on_answer` is called on the loop when
  /// some answer is there. All outlive it.
  PushWindow(boost::asio::io_context& loop, int socket, MetricValues& metrics,
             std::function<void()> on_answer);
  ~PushWindow() override;

  Result<std::unique_ptr<PendingPush>> Send(const preprocessing::PushRequest& request,
                                            Fd body) override;

 private:
  class Pending;
  void TellWaiting() noexcept;

  boost::asio::io_context& loop_;
  int socket_;
  MetricValues& metrics_;
  std::function<void()> on_answer_;
  std::size_t waiting_ = 0;
};

}  // namespace forkcast::serving
