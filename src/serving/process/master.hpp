#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/process/worker_slot.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// One process that the master keeps alive. Run in the child after fork(), with the master's
/// descriptors closed and signals still blocked; what it returns is the exit code.
/// `control_fd`: the child's end of a socket to the master; `first`: nothing was ready before.
using ChildMain = std::function<int(int control_fd, bool first)>;

struct MasterOptions {
  std::chrono::seconds graceful_timeout{25};
  std::vector<ChildMain> workers;  ///< One an element of `slots`.
  ChildMain recorder;              ///< Empty: none is needed.
};

/// The parent of all other processes: forks, watches, restarts, signals. One thread, one loop; it
/// loads nothing, answers no request and waits for nothing without a deadline, so that nothing that
/// happens to a child can take it along.
/// TERM: workers finish what they have, for at most graceful_timeout. INT, QUIT: for at most 2 s;
/// a second one ends them at once. Other signals are ignored. As PID 1 it reaps strangers.
class Master {
 public:
  /// `slots` and `log` must outlive it. Blocks the signals it handles in the calling thread, which
  /// must be the process's only one.
  Master(MasterOptions options, std::span<WorkerSlot> slots, spdlog::logger& log);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master();

  /// Runs until stopped; returns the program's exit code: kExitOk when asked to stop,
  /// kExitBootFailed when a worker ends before any was ever ready.
  int Run();

 private:
  /// A place that is to be filled by a process. The workers', then the recorder's.
  struct Place {
    std::string name;
    ChildMain main;
    WorkerSlot* slot = nullptr;  // null for the recorder
    pid_t pid = 0;               // 0: empty
    Fd control;
    bool ready = false;
    MonotonicTime started;
    MonotonicTime start_at;  // when empty
    unsigned failures = 0;   // in a row, each soon after its start
  };
  enum class Phase { kRunning, kStoppingWorkers, kStoppingRecorder, kDone };

  void StartDue(MonotonicTime now);
  void Start(Place& place, MonotonicTime now);
  [[noreturn]] void RunChild(Place& place, int control_fd);
  void OnSignals();
  void OnControl(Place& place);
  void Reap();
  void OnEnd(Place& place, int status, MonotonicTime now);
  void Stop(int signal, MonotonicTime now);
  void AdvanceStop(MonotonicTime now);
  void SignalWorkers(int signal);
  [[nodiscard]] bool AnyWorkerAlive() const noexcept;
  [[nodiscard]] int TimeoutMs(MonotonicTime now) const;
  [[nodiscard]] std::chrono::milliseconds RestartDelay(unsigned failures);

  MasterOptions options_;
  spdlog::logger& log_;
  std::vector<Place> places_;
  Fd signals_;
  Phase phase_ = Phase::kRunning;
  MonotonicTime kill_at_ = MonotonicTime::max();
  bool quick_ = false;
  bool ever_ready_ = false;
  int exit_code_ = 0;
  std::minstd_rand jitter_;
};

}  // namespace forkcast::serving
