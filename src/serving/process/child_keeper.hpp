#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/end_log.hpp"
#include "serving/process/restart_delay.hpp"

namespace forkcast::serving {

/// A child that is no worker.
struct KeptChild {
  enum class Ends : std::uint8_t {
    kWithItsChannel,  ///< When the channel's other end is closed.
    kOnTerm,          ///< By SIGTERM.
  };

  std::string_view name;  ///< In the log.
  Ends ends = Ends::kWithItsChannel;
  /// From being asked to end until SIGKILL, and from one SIGKILL to the next.
  std::chrono::milliseconds patience{1'000};
};

/// Keeps a child running once somebody needs it: starts it, again when it ended, and ends it when
/// asked. Waits for nothing.
class ChildKeeper {
 public:
  /// `seed`: of the delays between restarts. `log` must outlive this.
  ChildKeeper(KeptChild kept, bool wanted, std::uint32_t seed, spdlog::logger& log)
      : kept_(kept), log_(log), wanted_(wanted), delay_(seed) {}

  void Want() noexcept { wanted_ = true; }
  /// Whether it was started. `fork`: throws std::system_error when there is no process to be had,
  /// and is tried again later.
  bool StartIfDue(MonotonicTime now, const std::function<ChildProcess()>& fork);
  /// The next step of its end; to be called until it is not running.
  void End(MonotonicTime now);
  /// Whether it has ended, which is told once. `asked`: it was to.
  bool Reap(MonotonicTime now, Asked asked);

  /// To it, when it is running.
  void Signal(int signal) const noexcept {
    if (process_) process_->Signal(signal);
  }

  [[nodiscard]] bool running() const noexcept { return process_.has_value(); }
  /// End() was called.
  [[nodiscard]] bool is_ending() const noexcept { return kill_at_ != MonotonicTime::max(); }
  /// 0: it is not running.
  [[nodiscard]] pid_t pid() const noexcept { return process_ ? process_->pid() : 0; }
  /// Readable when it has ended. Precondition: running().
  [[nodiscard]] int pidfd() const noexcept { return process_->pidfd(); }
  /// Our end of its channel; -1: closed. Precondition: running().
  [[nodiscard]] int control() const noexcept { return process_->control(); }
  /// When StartIfDue() may do something; in the past when nothing stands in its way.
  [[nodiscard]] MonotonicTime start_due() const noexcept { return delay_.next(); }
  /// When End() has something to do next; MonotonicTime::max() unless it was called.
  [[nodiscard]] MonotonicTime kill_due() const noexcept { return kill_at_; }
  /// Tells it that nothing more will come; in another child of ours: leaves its channel alone.
  void CloseControl() noexcept {
    if (process_) process_->CloseControl();
  }

 private:
  const KeptChild kept_;
  spdlog::logger& log_;
  bool wanted_;
  RestartDelay delay_;
  std::optional<ChildProcess> process_;
  MonotonicTime started_;
  MonotonicTime kill_at_ = MonotonicTime::max();
};

}  // namespace forkcast::serving
