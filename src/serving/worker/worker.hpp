#pragma once

#include <functional>
#include <span>
#include <vector>

#include "serving/access/login_memory.hpp"
#include "serving/access/password_checker.hpp"
#include "serving/config/server_config.hpp"
#include "serving/drift/drift_monitor.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/http/access_log.hpp"
#include "serving/http/audit_log.hpp"
#include "serving/process/experiment_list.hpp"
#include "serving/process/master.hpp"
#include "serving/process/model_list.hpp"
#include "serving/process/shared_counts.hpp"
#include "serving/process/worker_slot.hpp"

namespace forkcast::serving {

/// What a worker process is given by the master that forked it. Everything outlives the call.
struct WorkerOptions {
  const ServerConfig& config;
  std::vector<int> listeners;          ///< Non-blocking, shared with the other workers.
  std::vector<int> admin_listeners{};  ///< Likewise, of the admin address.
  int capture_socket = -1;             ///< To the recorder.
  int job_socket = -1;                 ///< To the trainer; -1: there are no jobs.
  int push_socket = -1;                ///< To the refresher; -1: rows are not taken.
  const DriftBoard& drift;             ///< That the recorder writes.
  LogOutput& log;
  AccessLog* access_log = nullptr;  ///< Null: none.
  AuditLog* audit_log = nullptr;    ///< Null: none.
  ModelList* models = nullptr;      ///< Null: models come from settings alone.
  LoginMemory& logins;
  const PasswordTurns& password_turns;
  const ExperimentList& experiments;
  std::span<WorkerSlot> slots;
  std::span<SeriesBlock> series;  ///< Beside the slots.
  std::vector<Counts> counts;     ///< Of these slots, then of servers before an upgrade.
  ServerState& server;
  WorkerStart start;
  std::span<const HookType> hook_types;
  /// Called on the loader's thread before each load; may be empty.
  std::function<void()> before_load;
};

/// Runs a worker until it is drained, orphaned, or told to end; returns its exit code. To be called
/// in a process forked for it, with the signals that the worker handles still blocked.
/// What it serves is replaced in place when something newer is published (Swapper).
/// The first workers of a server take connections while they load, and answer 503, since a platform
/// that asks for /ping must be answered; later ones would turn requests away that others can
/// answer.
int RunWorker(const WorkerOptions& options);

}  // namespace forkcast::serving
