#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Tells a worker that connections wait on listening sockets that several processes share, by a
/// thread of its own. Against a permit, which the worker gives when it could serve one more, it
/// tells once; the worker's loop then takes the connection itself. So what a busy worker cannot
/// take waits in the kernel for whoever is free, and nothing that was taken waits behind a request
/// that hangs.
///
/// The thread waits with EPOLLEXCLUSIVE, which wakes one process a connection, and registers anew
/// after each, which puts it behind the others: connections spread evenly. The listeners take
/// turns. While its worker's loop is at one request for longer than a moment it tells nothing,
/// permit or not. Five times a second it registers anew in any case: the wake-up for a connection
/// may have gone to a process that could not act on it.
class Acceptor {
 public:
  using Notify = std::function<void(int listener)>;

  /// Starts without permits. `listeners`: non-blocking, and open for as long as this lives.
  /// `busy_since_ns`: since when (CLOCK_MONOTONIC) the loop has been at its request, 0 when at
  /// none; it and `clock` outlive this. `notify` is called on the acceptor's thread: a connection
  /// may wait there, unless another process is faster. Throws std::system_error.
  Acceptor(std::vector<int> listeners, const std::atomic<std::int64_t>& busy_since_ns,
           const Clock& clock, Notify notify, spdlog::logger& log);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  /// Lets `notify` be called once more. Thread-safe.
  void Permit() noexcept;
  /// Takes a connection, a non-blocking socket; none when none waits. Without descriptors, it says
  /// so, takes none, and permits are without effect for half a second. Thread-safe.
  [[nodiscard]] Fd Take(int listener);
  /// Nothing is told any more when this returns. Connections can still be taken.
  void Stop();

 private:
  void Run();
  [[nodiscard]] bool LoopIsBusy() const noexcept;
  void Arm();
  void Disarm();
  void Wake() noexcept;

  std::vector<int> listeners_;  // the one whose turn it is comes first
  const std::atomic<std::int64_t>& busy_since_ns_;
  const Clock& clock_;
  Notify notify_;
  spdlog::logger& log_;
  Fd epoll_;
  Fd wake_;
  std::atomic<std::size_t> permits_{0};
  std::atomic<bool> stop_{false};
  bool armed_ = false;
  std::atomic<bool> out_of_descriptors_{false};
  std::thread thread_;
};

}  // namespace forkcast::serving
