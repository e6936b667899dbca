#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/net/connection.hpp"
#include "serving/net/connection_deadlines.hpp"
#include "serving/net/connections.hpp"
#include "serving/net/large_queue.hpp"
#include "serving/net/queue_delay.hpp"
#include "serving/net/ready_set.hpp"

namespace forkcast::serving {

/// What the connections of a worker have in common, and who resumes them. The sockets are in an
/// epoll set of their own, which the loop watches as one descriptor: a request on a kept connection
/// then costs a read and a write, where waiting through Asio adds a read in vain and an
/// epoll_ctl(). Lives on while the loop still holds a handler of it.
///
/// It alone looks at the clock: when a round begins, when a request is taken up, and when one has
/// been worked on, which is what takes time. All connections go by what it saw last.
class ConnectionLoop : public std::enable_shared_from_this<ConnectionLoop> {
 public:
  /// As Connections. Throws std::system_error.
  ConnectionLoop(boost::asio::io_context& loop, const Clock& clock, Router& router,
                 WorkerSlot& slot, const ConnectionOptions& options,
                 std::function<void()> on_closed);
  ConnectionLoop(const ConnectionLoop&) = delete;
  ConnectionLoop& operator=(const ConnectionLoop&) = delete;

  void Start(Fd socket);
  void Tick(MonotonicTime now);
  void BeginDrain(MonotonicTime idle_until, MonotonicTime stop_by);
  void ResumeWaiting();
  [[nodiscard]] bool IsBusy() noexcept;
  /// Gives everybody up.
  void End();
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

  // For the connections.

  /// Resumes it when every other one that can go on has.
  void ResumeInTurn(Connection& connection);
  /// A request in work that waits, for as long as this lives.
  class Waiting {
   public:
    explicit Waiting(ConnectionLoop& loop) noexcept : loop_(loop) { loop_.CountWaiting(+1); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { loop_.CountWaiting(-1); }

   private:
    ConnectionLoop& loop_;
  };

  /// Somebody has had a socket watched.
  void WaitForSockets();
  /// It has ended, and is gone afterwards. `failed`: out of memory; the worker goes on.
  void Close(Connection& connection, bool failed);
  /// When the clock was last looked at.
  [[nodiscard]] MonotonicTime now() const noexcept { return now_; }
  MonotonicTime LookAtTheClock() noexcept { return now_ = clock_.Monotonic(); }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] Router& router() noexcept { return router_; }
  [[nodiscard]] WorkerSlot& slot() noexcept { return slot_; }
  [[nodiscard]] const ConnectionOptions& options() const noexcept { return options_; }
  [[nodiscard]] const std::string& date() const noexcept { return date_; }
  [[nodiscard]] const DrainDeadlines& drain() const noexcept { return drain_; }
  [[nodiscard]] const QueueDelay& delay() const noexcept { return delay_; }
  [[nodiscard]] LargeQueue<Connection>& large() noexcept { return large_; }
  [[nodiscard]] int epoll() noexcept { return poll_.native_handle(); }

 private:
  void Turn();
  void PostTurn();
  /// Tells whose sockets are ready; returns how many are.
  int AskSockets();
  void CountOpen() noexcept;
  void CountWaiting(int more) noexcept;

  boost::asio::io_context& loop_;
  const Clock& clock_;
  Router& router_;
  WorkerSlot& slot_;
  const ConnectionOptions options_;
  std::function<void()> on_closed_;
  std::string date_;
  MonotonicTime now_;
  DrainDeadlines drain_;
  boost::asio::posix::stream_descriptor poll_;
  std::vector<epoll_event> events_;
  QueueDelay delay_;
  LargeQueue<Connection> large_{delay_};
  ReadySet<Connection> ready_;
  bool in_turn_ = false;
  bool turn_due_ = false;
  bool waiting_ = false;
  bool ended_ = false;
  std::uint64_t waiting_requests_ = 0;
  std::list<Connection> open_;
};

}  // namespace forkcast::serving
