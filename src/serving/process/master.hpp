#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/process/child_keeper.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/control_channel.hpp"
#include "serving/process/control_socket.hpp"
#include "serving/process/experiment_keeper.hpp"
#include "serving/process/fleet_plan.hpp"
#include "serving/process/kill_ladder.hpp"
#include "serving/process/refresher.hpp"
#include "serving/process/reload_plan.hpp"
#include "serving/process/restart_delay.hpp"
#include "serving/process/retrain_keeper.hpp"
#include "serving/process/server_status.hpp"
#include "serving/process/stop_orders.hpp"
#include "serving/process/suspension_watch.hpp"
#include "serving/process/trainer.hpp"
#include "serving/process/upgrade_attempt.hpp"
#include "serving/process/worker_slot.hpp"
#include "serving/process/worker_target.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// What a worker process is told when it starts.
struct WorkerStart {
  std::size_t slot = 0;
  /// 1 is what the server was started with; each reload begins another, which reads the
  /// configuration anew.
  std::uint64_t generation = 1;
  bool first_boot = false;  ///< No worker was ever ready: nobody else can answer meanwhile.
  int control_fd = -1;
};

struct MasterOptions {
  // Behaviour.
  std::size_t workers = 1;
  /// Run in the child; what it returns is its exit code.
  std::function<int(const WorkerStart&)> worker;
  std::function<int(int control_fd)> recorder;
  /// Run in the child, tells its RefresherReports over the channel; empty: there is none.
  std::function<int(int control_fd)> refresher{};
  /// Run in the child, tells its TrainerReports over the channel; empty: there is none.
  std::function<int(int control_fd)> trainer{};
  /// Run in a child of its own; what it returns, or what it became ends with, is its exit code.
  std::function<int(const RetrainWish& wish)> retrain{};
  const RetrainBoard* retrain_board = nullptr;  ///< What the recorder wishes; null: nothing.
  bool needs_recorder = false;                  ///< From the start; a worker may ask for it later.
  bool takes_over = false;  ///< An old master's workers answer until ours are READY.
  /// Called once when the server begins to stop: no connection may join the backlogs after it.
  std::function<void()> close_door;
  /// Starts a new master on the same sockets (SIGUSR2); empty: upgrades are refused.
  UpgradeAttempt::Start start_upgrade;
  /// Called when a new master has taken over: the sockets' files are its own from now on.
  std::function<void()> hand_over;
  /// Called when a first worker is READY.
  std::function<void()> on_ready;
  /// Tells a supervisor what happens, in the words of sd_notify(3); may be empty.
  std::function<void(const std::string& state)> notify;
  /// Called on USR1, before workers are told to open their log files anew; may be empty.
  std::function<void()> reopen_logs{};
  /// Asked for the server's status, and given orders; may be null.
  ControlSocket* control = nullptr;
  /// Obeys these orders, and is told of workers that die; may be null.
  ExperimentKeeper* experiments = nullptr;
  /// Adds to the status what the master does not know; may be empty.
  std::function<void(ServerStatus&)> complete_status{};
  // Deadlines.
  std::chrono::milliseconds graceful_timeout{25'000};   ///< To finish requests when stopping.
  std::chrono::milliseconds retire_timeout{140'000};    ///< To finish when another took the place.
  std::chrono::milliseconds boot_timeout{240'000};      ///< From the start to READY.
  std::chrono::milliseconds heartbeat_timeout{10'000};  ///< Of a loop that has no request in work.
};

/// The parent of all other processes: forks, watches, replaces, signals. One thread, one loop; it
/// loads nothing, answers no request and waits for nothing without a deadline, so that nothing that
/// happens to a child can take it along.
///
/// Signals: TERM stops gracefully; INT and QUIT within 2 s, a second one at once; HUP reloads: a
/// first worker of a new generation has to be READY before any other of it is started, and each
/// that is lets one of the old go; if it is not, the generation is abandoned and the old one, whose
/// dead are replaced all the while, stays. TTIN and TTOU: one worker more or fewer, until the next
/// HUP. USR1: log files are opened anew.
///
/// What is decided is decided elsewhere, without I/O: which workers there should be (PlanFleet,
/// ReloadPlan, WorkerTarget), how one that has to go is made to (KillLadder), who hangs
/// (FindStuck), what an end means (MeaningOf), how the server stops (StopOrders). Here are the
/// loop, what happens in it, and the system calls.
class Master {
 public:
  /// `slots` bounds the workers, old and new generations together. All must outlive the master,
  /// which looks at `clock` once a turn and once after each wait.
  /// Blocks the signals it handles in the calling thread, which must be the process's only one.
  Master(MasterOptions options, const Clock& clock, std::span<WorkerSlot> slots, ServerState& state,
         spdlog::logger& log);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master();

  /// Runs until stopped; returns the program's exit code: kExitOk when asked to stop, or that of a
  /// worker that ended before any was ever ready (kExitBootFailed unless it says more).
  int Run();

 private:
  struct Worker {
    ChildProcess process;
    std::size_t slot = 0;
    std::uint64_t generation = 0;
    KillLadder ladder;
    MonotonicTime started;
    bool was_ready = false;
    bool wants_recycling = false;
  };

  void Reconcile(MonotonicTime now);
  [[nodiscard]] FleetPlan Plan();
  void StartWorker(std::uint64_t generation, MonotonicTime now);
  [[nodiscard]] ChildProcess Fork(const std::function<int(int control_fd)>& main);
  void BeginReload(MonotonicTime now);
  void FinishReload(MonotonicTime now);
  void AbandonReload(MonotonicTime now);
  void Retire(Worker& worker, MonotonicTime now);
  void Escalate(MonotonicTime now);
  void EscalateWorker(Worker& worker, MonotonicTime now);
  void CheckLiveness(MonotonicTime now);
  void Wait(MonotonicTime now);
  void OnEvents(MonotonicTime now);
  void AnswerControl(MonotonicTime now);
  void OnSignals(MonotonicTime now);
  void OnSignal(int signal, MonotonicTime now);
  void OnMessages(Worker& worker, MonotonicTime now);
  void OnRecorderMessages(MonotonicTime now);
  void OnReady(Worker& worker, std::uint64_t asked_workers, MonotonicTime now);
  void OnEnd(const Worker& worker, const ChildEnd& end, MonotonicTime now);
  void BlameHook(const WorkerSlot& slot);
  void ReapStrangers();
  void BeginUpgrade(MonotonicTime now);
  void CheckUpgrade(MonotonicTime now);
  void HandOver(MonotonicTime now);
  void Notify(const std::string& state) const;
  /// Its own, into shared memory.
  void TellMetrics() noexcept;
  /// Over all slots, also those of workers that are gone.
  [[nodiscard]] std::uint64_t Total(MetricId metric) const;
  [[nodiscard]] ServerStatus Describe(MonotonicTime now) const;
  void Stop(int signal, MonotonicTime now);
  void RetireAll(MonotonicTime now);

  [[nodiscard]] bool Stopped() const noexcept {
    return stopping_ && workers_.empty() && !recorder_.running() &&
           !refresher_.keeper().running() && !trainer_.keeper().running() && !retraining_.running();
  }
  [[nodiscard]] MonotonicTime NextDeadline(MonotonicTime now) const;

  MasterOptions options_;
  const Clock& clock_;
  std::span<WorkerSlot> slots_;
  ServerState& state_;
  spdlog::logger& log_;
  Fd signals_;
  std::list<Worker> workers_;
  ChildKeeper recorder_;
  Refresher refresher_;
  Trainer trainer_;
  RetrainKeeper retraining_;
  RestartDelay worker_delay_;
  WorkerTarget target_;
  ReloadPlan reload_;
  UpgradeAttempt upgrade_;
  bool paused_ = false;  // WINCH: no workers while the new master comes up
  bool stopping_ = false;
  StopOrders stop_orders_;
  MonotonicTime began_;
  SuspensionWatch suspensions_;
  int exit_code_ = 0;
};

}  // namespace forkcast::serving
