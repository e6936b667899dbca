#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/metrics/metric_values.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/shared_text.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// A model of a registry that is to be trained anew.
struct RetrainWish {
  std::string models;                   ///< The folder of models.
  std::string name;                     ///< Without a line break.
  std::chrono::seconds least_pause{0};  ///< From one start to the next.

  friend bool operator==(const RetrainWish&, const RetrainWish&) = default;
};

/// Where the recorder leaves the newest wish, for the master to read once it is told
/// (ControlMessage::Kind::kRetrain). One that another takes the place of is repeated with the next
/// alarm.
using RetrainBoard = SharedText<8'192>;
[[nodiscard]] std::string TextOf(const RetrainWish& wish);
/// None when it is no such text.
[[nodiscard]] std::optional<RetrainWish> ReadRetrainWish(std::string_view text);

/// Trains models anew, in a process of their own: one at a time, and each not more often than it is
/// allowed to. What is asked meanwhile is not kept: as long as there is a reason it is asked again.
/// Waits for nothing.
class RetrainKeeper {
 public:
  /// From being asked to end until SIGKILL, and from one SIGKILL to the next.
  static constexpr std::chrono::milliseconds kPatience{2'000};

  /// `metrics`: of the server. Both outlive this.
  RetrainKeeper(MetricValues& metrics, spdlog::logger& log) : metrics_(metrics), log_(log) {}

  using Fork = std::function<ChildProcess(const RetrainWish& wish)>;
  /// `fork`: throws std::system_error when there is no process to be had, which counts as a start.
  void Ask(const RetrainWish& wish, MonotonicTime now, const Fork& fork);
  /// Notices that it has ended.
  void Reap(MonotonicTime now);
  /// The next step of its end; to be called until it is not running.
  void End(MonotonicTime now);

  [[nodiscard]] bool running() const noexcept { return process_.has_value(); }
  /// 0: it is not running.
  [[nodiscard]] pid_t pid() const noexcept { return process_ ? process_->pid() : 0; }
  /// Readable when it has ended. Precondition: running().
  [[nodiscard]] int pidfd() const noexcept { return process_->pidfd(); }
  /// When End() has something to do next; MonotonicTime::max() unless it was called.
  [[nodiscard]] MonotonicTime kill_due() const noexcept { return kill_at_; }
  /// In a child of ours: leaves the other end of its channel alone.
  void CloseControl() noexcept {
    if (process_) process_->CloseControl();
  }

 private:
  MetricValues& metrics_;
  spdlog::logger& log_;
  std::map<std::string, MonotonicTime> started_;  // by folder and name
  std::optional<ChildProcess> process_;
  std::string name_;  // of what is at work
  MonotonicTime began_;
  MonotonicTime kill_at_ = MonotonicTime::max();
};

}  // namespace forkcast::serving
