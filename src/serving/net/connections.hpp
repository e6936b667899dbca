#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/config/ip_network.hpp"
#include "serving/http/request_reader.hpp"

namespace boost::asio {
class io_context;
}

namespace forkcast::serving {

class AccessLog;
class ConnectionLoop;
class Router;
struct WorkerSlot;

struct ConnectionOptions {
  RequestLimits limits{};
  std::chrono::seconds timeout{60};       ///< From a request's first byte to its answer's last.
  std::chrono::seconds idle_timeout{75};  ///< Between an answer and the next request.
  /// A request that would wait longer until it is worked on is refused.
  std::chrono::milliseconds max_queue_delay = std::chrono::milliseconds::max();
  AccessLog* access_log = nullptr;   ///< Outlives the connections; null: nothing is noted.
  TrustedProxies trusted_proxies{};  ///< Whose word on their clients the access log takes.
  std::size_t worker = 0;            ///< In the access log.
};

/// All connections of one worker. Each is a coroutine with one loop: read, route, write; it waits
/// only when the socket makes it. Deadlines are kept by Tick(), one pass over the connections,
/// instead of a timer for each. Belongs to the loop's thread.
///
/// No connection keeps the others waiting: bytes move 256 KiB at a time, and a request is worked on
/// in slices of about a millisecond (Job). Requests with bodies over 64 KiB are worked on
/// one after the other, in the order in which they came, while smaller ones are answered in
/// between. How long a request would wait is known (QueueDelay); beyond `max_queue_delay` the
/// router is told to refuse it.
class Connections {
 public:
  /// `on_closed` is called after each connection that ended. All but `options` must outlive the
  /// object, and `slot` also the loop. Throws std::system_error.
  Connections(boost::asio::io_context& loop, const Clock& clock, Router& router, WorkerSlot& slot,
              const ConnectionOptions& options, std::function<void()> on_closed);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections();

  /// Serves a connected, non-blocking stream socket.
  void Start(Fd socket);
  /// Ends what is overdue and renews the Date header. To be called about twice a second.
  void Tick(MonotonicTime now);
  /// From now on each answer is its connection's last. Idle connections are closed after
  /// `idle_patience`, so that a request that is on its way is still answered; requests that are not
  /// whole by `stop_by` are refused with 503. A second call can only shorten both.
  void BeginDrain(MonotonicTime now, std::chrono::milliseconds idle_patience,
                  MonotonicTime stop_by);

  /// Goes on with the requests that wait for what others do (Progress::kWaits).
  void ResumeWaiting();

  /// Whether some connection can go on: who has something else to do had better wait.
  [[nodiscard]] bool IsBusy() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept;

 private:
  std::shared_ptr<ConnectionLoop> loop_;  // its handlers', too, which end with the loop
};

}  // namespace forkcast::serving
