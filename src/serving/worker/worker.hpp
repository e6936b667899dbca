#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "serving/config/server_config.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// What a worker process is given by the master that forked it.
struct WorkerOptions {
  const ServerConfig& config;
  std::vector<int> listeners;  ///< Non-blocking, shared with the other workers.
  int control_fd = -1;  ///< To the master: kWorkerReady goes up, end of file means the master died.
  int capture_socket = -1;  ///< To the recorder; -1 without capture.
  std::span<WorkerSlot> slots;
  std::size_t index = 0;  ///< Of this worker's slot.
  /// The first generation takes connections while it loads, and answers 503: a platform that asks
  /// for /ping must be answered. A later one would turn requests away that others can answer.
  bool accept_while_booting = false;
};

/// What a worker writes to its control socket once it answers.
inline constexpr char kWorkerReady = 'R';

/// Runs a worker until it is drained (SIGTERM) or orphaned; returns its exit code. To be called in
/// a process forked for it, with the signals that the worker handles still blocked.
int RunWorker(const WorkerOptions& options);

}  // namespace forkcast::serving
