#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Takes connections off listening sockets that several processes share, in a thread of its own.
/// A connection is taken only against a permit, which its worker gives when it could serve one
/// more, so that what a busy worker cannot take waits in the kernel for whoever is free. The thread
/// waits with EPOLLEXCLUSIVE, which wakes one process a connection, and registers anew after each
/// one it took, which puts it behind the others: connections spread evenly. While its worker's loop
/// is at one request for longer than a moment it takes none, permit or not. Five times a second it
/// registers anew in any case: the wake-up for a connection may have gone to a process that was
/// stopped before it could act on it.
class Acceptor {
 public:
  using Deliver = std::function<void(Fd)>;

  /// Starts without permits. `listeners`: non-blocking, and open for as long as this lives.
  /// `busy_since_ns`: since when (CLOCK_MONOTONIC) the loop has been at its request, 0 when at
  /// none; outlives this. `deliver` is called on the acceptor's thread, with non-blocking sockets.
  /// Throws std::system_error.
  Acceptor(std::vector<int> listeners, const std::atomic<std::int64_t>& busy_since_ns,
           Deliver deliver, spdlog::logger& log);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  /// Stops without taking more.
  ~Acceptor();

  /// Lets one more connection be taken. Thread-safe.
  void Permit() noexcept;
  /// Takes all that waits in the backlogs, whatever the permits, then stops; returns when done.
  void TakeBacklogAndStop();

 private:
  void Run();
  [[nodiscard]] bool LoopIsBusy() const noexcept;
  void Arm();
  void Disarm();
  /// Takes one connection. False when none waits.
  bool Take(int listener);
  void Wake() noexcept;

  std::vector<int> listeners_;
  const std::atomic<std::int64_t>& busy_since_ns_;
  Deliver deliver_;
  spdlog::logger& log_;
  Fd epoll_;
  Fd wake_;
  std::atomic<std::size_t> permits_{0};
  std::atomic<bool> stop_{false};
  bool armed_ = false;
  bool out_of_descriptors_ = false;
  std::thread thread_;
};

}  // namespace forkcast::serving
