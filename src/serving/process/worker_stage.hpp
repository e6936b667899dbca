#pragma once

#include <cstdint>
#include <string_view>

namespace forkcast::serving {

/// How far the master is with a worker; from kRetiring on it is leaving. What the worker says of
/// itself is its WorkerState.
enum class WorkerStage : std::uint8_t {
  kBooting,
  kReady,
  kRetiring,  ///< Another has its place; it finishes in its own time.
  kStopping,  ///< The server stops.
  // The last signal that was needed:
  kTerminated,
  kAborted,
  kKilled
};

constexpr bool IsLeaving(WorkerStage stage) noexcept { return stage >= WorkerStage::kRetiring; }

/// As `forkcast status` shows it.
constexpr std::string_view WordFor(WorkerStage stage) noexcept {
  switch (stage) {
    case WorkerStage::kBooting:
      return "booting";
    case WorkerStage::kReady:
      return "ready";
    case WorkerStage::kRetiring:
      return "retiring";
    case WorkerStage::kStopping:
      return "stopping";
    case WorkerStage::kTerminated:
      return "terminated";
    case WorkerStage::kAborted:
      return "aborted";
    case WorkerStage::kKilled:
      return "killed";
  }
  return {};
}

}  // namespace forkcast::serving
