#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/upgrade.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// A master's attempts to have another take its place, one at a time. A new master that ends, or
/// does not get ready in its time, changes nothing, and another can be tried.
class UpgradeAttempt {
 public:
  using Start = std::function<Result<UpgradedMaster>()>;

  /// `start`: empty when upgrades are not possible. `log` must outlive this.
  UpgradeAttempt(Start start, spdlog::logger& log) : start_(std::move(start)), log_(log) {}

  /// Starts a new master, which has to be ready by `deadline`; a refusal is logged. `refusal`: why
  /// there may be none now; empty when there may.
  void Begin(MonotonicTime deadline, std::string_view refusal);

  enum class Progress { kNothingNew, kFailed, kDone };
  /// Looks, without waiting. kDone, told once: the new master is ready, and is its own master.
  Progress Check(MonotonicTime now);

  /// Ends a new master that has not taken over yet.
  void Abort() noexcept;

  /// Whether one is under way, or done.
  [[nodiscard]] bool begun() const noexcept { return upgraded_.has_value(); }
  /// Of the new master; 0 when there is none.
  [[nodiscard]] pid_t pid() const noexcept { return upgraded_ ? upgraded_->pid : 0; }
  /// Whether its end is for Check() to see.
  [[nodiscard]] bool waits_for(pid_t pid) const noexcept {
    return upgraded_ && !done_ && upgraded_->pid == pid;
  }
  /// Readable when Check() has something to tell.
  [[nodiscard]] std::vector<int> watched() const;

 private:
  Start start_;
  spdlog::logger& log_;
  std::optional<UpgradedMaster> upgraded_;
  MonotonicTime deadline_;
  bool done_ = false;
};

}  // namespace forkcast::serving
