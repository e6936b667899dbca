#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/end_log.hpp"
#include "serving/process/restart_delay.hpp"

namespace forkcast::serving {

/// Keeps the recorder running once somebody needs it: starts it, again when it ended, and ends it
/// behind the workers. Waits for nothing.
class RecorderKeeper {
 public:
  /// From being asked to write what it has until SIGKILL, and from one SIGKILL to the next.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  /// `seed`: of the delays between restarts. `log` must outlive this.
  RecorderKeeper(bool wanted, std::uint32_t seed, spdlog::logger& log)
      : log_(log), wanted_(wanted), delay_(seed) {}

  void Want() noexcept { wanted_ = true; }
  /// `fork`: throws std::system_error when there is no process to be had, and is tried again later.
  void StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork);
  /// The next step of its end; to be called until it is not running.
  void End(MonotonicTime now);
  /// Notices that it has ended. `asked`: it was to.
  void Reap(MonotonicTime now, Asked asked);

  [[nodiscard]] bool running() const noexcept { return process_.has_value(); }
  /// 0: it is not running.
  [[nodiscard]] pid_t pid() const noexcept { return process_ ? process_->pid() : 0; }
  /// Readable when it has ended. Precondition: running().
  [[nodiscard]] int pidfd() const noexcept { return process_->pidfd(); }
  /// What it says comes here. Precondition: running().
  [[nodiscard]] int control() const noexcept { return process_->control(); }
  /// When StartIfDue() may do something; in the past when nothing stands in its way.
  [[nodiscard]] MonotonicTime start_due() const noexcept { return delay_.next(); }
  /// When End() has something to do next; MonotonicTime::max() unless it was called.
  [[nodiscard]] MonotonicTime kill_due() const noexcept { return kill_at_; }
  /// In a child of ours: leaves the other end of its channel alone.
  void CloseControl() noexcept {
    if (process_) process_->CloseControl();
  }

 private:
  spdlog::logger& log_;
  bool wanted_;
  RestartDelay delay_;
  std::optional<ChildProcess> process_;
  MonotonicTime started_;
  MonotonicTime kill_at_ = MonotonicTime::max();
};

}  // namespace forkcast::serving
