#pragma once

#include <signal.h>

#include <chrono>

#include "serving/process/log_output.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// Sent by the kernel to a child whose master died. Without effect unless a handler is installed,
/// but for this: it also reaches a child that is stopped, and lets it go on.
inline constexpr int kMasterDiedSignal = SIGCONT;

/// How long a worker may finish requests after its master died, before it ends itself.
inline constexpr std::chrono::milliseconds kOrphanGrace{800};

/// Sets up a worker's signals: what supervisors and terminals send to whole groups is ignored;
/// SIGABRT writes the request in work and a backtrace to `log`, then ends the process;
/// the master's death starts a timer that ends the process after kOrphanGrace even if its loop
/// hangs. SIGTERM is left to the caller, and every signal is unblocked. `slot` and `log`
/// must outlive the process's use of signals.
void InstallWorkerSignals(const WorkerSlot& slot, LogOutput& log);

}  // namespace forkcast::serving
