#pragma once

#include <chrono>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "serving/process/stop_orders.hpp"
#include "serving/process/worker_stage.hpp"

namespace forkcast::serving {

/// The way of one worker from its boot to its end, and the signals that get it there when it does
/// not go by itself: asked to drain; SIGTERM, which ends it without draining; SIGABRT, which makes
/// it report where it hangs; SIGKILL. Decides; whoever holds it sends. Pure: times are passed in.
class KillLadder {
 public:
  /// What a signal is given until the next one.
  static constexpr std::chrono::milliseconds kStep{500};

  /// It boots, and has to be ready by then.
  explicit KillLadder(MonotonicTime boot_by) noexcept : deadline_(boot_by) {}

  [[nodiscard]] WorkerStage stage() const noexcept { return stage_; }
  [[nodiscard]] bool leaving() const noexcept { return IsLeaving(stage_); }
  /// When Climb() has something to do; MonotonicTime::max(): never.
  [[nodiscard]] MonotonicTime deadline() const noexcept { return deadline_; }

  /// Changes nothing when it is leaving already.
  void OnReady() noexcept;
  /// Another has its place; it may take its time until then.
  void Retire(MonotonicTime by) noexcept;
  /// The server stops, and it has to be done by then; a second time can only shorten that. A stop
  /// that is not graceful ends in SIGKILL, without the steps between.
  enum class Told { kYes, kTooLate };
  /// kTooLate: it has been signalled before, so that there is nothing to tell it.
  Told Stop(StopKind kind, MonotonicTime by) noexcept;
  /// Its loop does not turn, so that SIGTERM would not be heard: SIGABRT is due now.
  void OnStuck(MonotonicTime now) noexcept;

  /// The signal that is due; none: none is. The next is due kStep later.
  [[nodiscard]] std::optional<int> Climb(MonotonicTime now) noexcept;

 private:
  WorkerStage stage_ = WorkerStage::kBooting;
  MonotonicTime deadline_;  // of the stage
};

}  // namespace forkcast::serving
