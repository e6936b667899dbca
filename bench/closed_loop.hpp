#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace forkcast::bench {

struct LoadOptions {
  sockaddr_in target{};
  std::vector<std::string> requests;  ///< Sent in turn, each connection beginning elsewhere.
  std::size_t connections = 16;
  std::chrono::nanoseconds duration{std::chrono::seconds(1)};
  std::chrono::nanoseconds warm_up{std::chrono::milliseconds(100)};  ///< Before it, not counted.
  std::chrono::nanoseconds pause{
      0};  ///< Of each connection between an answer and the next request.
  /// Requests a second of all connections together, evenly apart; 0: as fast as they are answered.
  /// Then a wait counts from when the request was due, also where its connection was not free: a
  /// server that stops makes all wait that were due meanwhile, not one a connection.
  double rate = 0;
};

struct LoadReport {
  std::uint64_t answers = 0;  ///< With status 200, within the duration.
  std::uint64_t in_all = 0;   ///< Whole answers of any status and time.
  std::uint64_t not_200 = 0;  ///< Among these.
  /// Requests without a whole answer: connection refused, reset or ended, or bytes that are no
  /// answer with a Content-Length.
  std::uint64_t broken = 0;
  /// How long each request waited for its answer's last byte, in ns and no order: those of the
  /// duration, and those that were in work when it ended. A new connection's set-up is part of the
  /// wait.
  std::vector<std::uint64_t> waits_ns;
};

/// A client of its own, not that of tests/support, which waits for one answer at a time and keeps
/// what it reads: this one must cost less than the servers that it measures, so it counts bodies,
/// allocates nothing for a request, and asks epoll for all its connections at once.
/// Keeps every connection busy with one request at a time, from one thread, for the duration; then
/// waits up to 10 s for the last answers. A connection that the server announced to close, or
/// closed while no request was out, is replaced at no fault. Throws std::system_error when the
/// system has no descriptors left.
[[nodiscard]] LoadReport RunClosedLoop(const LoadOptions& options);

}  // namespace forkcast::bench
