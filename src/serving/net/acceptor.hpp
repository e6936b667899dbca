#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
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
/// after each, which puts it behind the others. That alone does not spread connections evenly: of
/// several that come at once, a worker that is awake takes one after the other before those that
/// were woken run. So one whose turn it is not, since others are idle or have fewer connections,
/// does not register, unless a connection has been waiting for 20 ms: those others may be unable to
/// act. It looks 20 times a second for one, and at once when it has fewer itself. The listeners
/// take turns. While its worker's loop is at one request for longer than a moment it tells nothing,
/// permit or not. Five times a second it registers anew in any case: the wake-up for a connection
/// may have gone to a process that could not act on it.
class Acceptor {
 public:
  using Notify = std::function<void(int listener)>;
  using IsOurTurn = std::function<bool()>;

  /// Starts without permits. `listeners`: non-blocking, and open for as long as this lives.
  /// `busy_since_ns`: since when (CLOCK_MONOTONIC) the loop has been at its request, 0 when at
  /// none; it and `clock` outlive this. `is_our_turn`, which is called on the acceptor's thread:
  /// whether no other process should have the next connection rather. `notify` is called on the
  /// acceptor's thread: a connection may wait there, unless another process is faster. Throws
  /// std::system_error.
  Acceptor(std::vector<int> listeners, const std::atomic<std::int64_t>& busy_since_ns,
           const Clock& clock, IsOurTurn is_our_turn, Notify notify, spdlog::logger& log);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  /// Lets `notify` be called once more. Thread-safe.
  void Permit() noexcept;
  /// It may be our turn now: a connection has gone. Costs little unless it was not. Thread-safe.
  void OnFewer() noexcept;
  /// Takes a connection, a non-blocking socket; none when none waits. Without descriptors, it says
  /// so, takes none, and permits are without effect for half a second. Thread-safe.
  [[nodiscard]] Fd Take(int listener);
  /// Nothing is told any more when this returns. Connections can still be taken.
  void Stop();

 private:
  void Run();
  [[nodiscard]] bool LoopIsBusy() const noexcept;
  /// Whether others should have what comes.
  [[nodiscard]] bool Yields();
  /// Whether a connection has been waiting for so long that those others do not take it.
  [[nodiscard]] bool WaitsInVain();
  [[nodiscard]] int Pause(bool busy, bool yields) const noexcept;
  void OnListener(int listener);
  void Arm();
  void Disarm();
  void Wake() noexcept;

  std::vector<int> listeners_;  // the one whose turn it is comes first
  const std::atomic<std::int64_t>& busy_since_ns_;
  const Clock& clock_;
  IsOurTurn is_our_turn_;
  Notify notify_;
  spdlog::logger& log_;
  Fd epoll_;
  Fd wake_;
  std::atomic<std::size_t> permits_{0};
  std::atomic<bool> stop_{false};
  bool armed_ = false;
  std::atomic<bool> yields_{false};
  std::optional<MonotonicTime> waits_since_;  // a connection, which nobody takes whose turn it is
  std::atomic<bool> out_of_descriptors_{false};
  std::thread thread_;
};

}  // namespace forkcast::serving
