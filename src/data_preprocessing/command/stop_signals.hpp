#pragma once

#include <signal.h>

namespace forkcast::preprocessing {

/// While one exists, SIGTERM and SIGINT ask for the end instead of making it; also those that came
/// before, where whoever started the program has blocked them. One within another
/// (a command that runs a command) is the same: what was asked of the inner one is asked of the
/// outer one. Of the main thread alone.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Whether the end was asked for since the outermost was made. Thread-safe.
  [[nodiscard]] static bool Requested() noexcept;

 private:
  struct sigaction term_ {};
  struct sigaction int_ {};
  sigset_t mask_{};
};

}  // namespace forkcast::preprocessing
