#pragma once

// A log must not stop who writes it. A pipe that nobody drains, a terminal stopped by Ctrl-S, a
// supervisor that hangs: each makes an ordinary write() wait for as long as it lasts, and with it a
// master that has workers to replace (moby/moby#22502, docker/compose#6018). So a line that is not
// taken at once is lost and counted.
//
// O_NONBLOCK alone does not do: it belongs to the open file description, which is shared with
// whoever gave us the descriptor, so that a shell or an engine would find its own pipe changed. A
// thread that may hang behind a bounded queue does not either: the master forks, and has none.
// Therefore, by what the descriptor is:
//   - pipe, terminal: opened anew through /proc/self/fd, which makes a description of our own.
//   - pipe that may not be opened anew (an engine's, made by root): a line goes into a pipe of our
//     own and is spliced from there, for which not waiting is a flag of the call.
//   - terminal that may not be opened anew (after su): asked by poll() first.
//   - socket, as under systemd: MSG_DONTWAIT.
//   - file: write(), whose position is shared with whoever else writes there. A full disk fails at
//     once; a network disk that hangs holds us up, as it does everybody.

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// What a log has lost, for all processes that write to it: place it in memory that they share.
struct LogLosses {
  std::atomic<std::uint64_t> lines{0};
  /// The log ends in the middle of a line (a disk was full): the next one begins anew.
  std::atomic<bool> torn{false};
};

/// Where a log's lines go, without ever waiting. Several processes may write to one: a line is one
/// write, so that lines do not mix, and no line is glued to one that was written in part.
/// Move-only; not thread-safe. SIGPIPE has to be ignored.
class LogOutput {
 public:
  /// The longest line, which the system writes in one piece (PIPE_BUF).
  static constexpr std::size_t kMostBytes = 4096;

  /// Standard output or error, as it is now. Nothing goes to one that is closed. `losses` outlives
  /// this.
  static LogOutput OfStandard(int descriptor, LogLosses& losses) noexcept;
  /// A file that was opened with O_NONBLOCK, in case it is a named pipe.
  LogOutput(Fd file, LogLosses& losses) noexcept;

  /// Writes a line, its line feed included, as a whole. False, and counted: it is lost. May be
  /// called by a signal handler. Precondition: at most kMostBytes.
  bool Write(std::string_view line) noexcept;

  /// Whether there is anything to write to.
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

 private:
  enum class Way : std::uint8_t { kWrite, kSend, kSplice, kPollFirst };

  /// As write().
  ssize_t Put(std::string_view line, bool behind_torn) const noexcept;
  ssize_t Splice(std::string_view line) const noexcept;

  Fd fd_;
  Way way_ = Way::kWrite;
  LogLosses* losses_;
};

}  // namespace forkcast::serving
