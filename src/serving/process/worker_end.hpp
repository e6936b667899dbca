#pragma once

#include <cstdint>

#include "serving/process/child_process.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/worker_stage.hpp"

namespace forkcast::serving {

/// What the end of a worker means for the server.
enum class EndMeans : std::uint8_t {
  kAsWanted,     ///< It was to go.
  kServerFails,  ///< No worker was ever ready, and the next would not be either.
  kReloadFails,  ///< It was the first of the generation on trial.
  kReplace,
};

struct EndedWorker {
  WorkerStage stage = WorkerStage::kReady;
  bool server_stops = false;
  bool any_ever_ready = true;
  bool on_trial = false;
};

[[nodiscard]] constexpr EndMeans MeaningOf(const EndedWorker& worker) noexcept {
  // One that had to be signalled did not go as wanted.
  if (worker.server_stops || worker.stage == WorkerStage::kRetiring) return EndMeans::kAsWanted;
  if (!worker.any_ever_ready) return EndMeans::kServerFails;
  return worker.on_trial ? EndMeans::kReloadFails : EndMeans::kReplace;
}

/// The server's exit code when it fails with the end of its first worker: what that says, if it
/// says why.
[[nodiscard]] constexpr int ExitCodeAfter(const ChildEnd& end) noexcept {
  const bool says_why = !end.killed && (end.code == kExitUsage || end.code == kExitBootFailed);
  return says_why ? end.code : kExitBootFailed;
}

}  // namespace forkcast::serving
