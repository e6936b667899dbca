#include "serving/process/master.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "serving/process/liveness.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/worker_signals.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{250};  // liveness is looked at as often
// A turn that took longer was not ours to take. Shorter than the shortest heartbeat timeout by more
// than a tick of the workers, whose last stamp may be that old when all of us are suspended.
constexpr milliseconds kSuspended = 2 * kTurn;
constexpr milliseconds kRecorderStop{1'000};

MonotonicTime Now() { return std::chrono::steady_clock::now(); }

sigset_t HandledSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal :
       {SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGWINCH}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Master::Master(MasterOptions options, std::span<WorkerSlot> slots, ServerState& state,
               spdlog::logger& log)
    : options_(std::move(options)),
      slots_(slots),
      state_(state),
      log_(log),
      recorder_wanted_(options_.needs_recorder),
      worker_delay_(static_cast<std::uint32_t>(::getpid())),
      recorder_delay_(static_cast<std::uint32_t>(::getpid())),
      target_(options_.workers),
      upgrade_(std::move(options_.start_upgrade), log_),
      began_(Now()),
      last_turn_(began_),
      trusted_from_(last_turn_) {
  const sigset_t handled = HandledSignals();
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
}

Master::~Master() = default;

template <typename Predicate>
std::size_t Master::Count(Predicate predicate) const {
  return static_cast<std::size_t>(std::ranges::count_if(workers_, predicate));
}

int Master::Run() {
  log_.info("started workers={} pid={}", target_, ::getpid());
  while (!Stopped()) {
    const MonotonicTime now = Now();
    // After a suspension (of the machine, or of us alone) everybody's stamps are old: whoever is
    // alive gets the time to show it.
    if (now - last_turn_ > kSuspended) trusted_from_ = now;
    last_turn_ = now;
    Reconcile(now);
    CheckUpgrade(now);
    CheckLiveness(now);
    Escalate(now);
    Notify("WATCHDOG=1");
    Wait(now);
  }
  log_.info("stopped code={} clipped={}", exit_code_, Total("clipped"));
  return exit_code_;
}

void Master::Reconcile(MonotonicTime now) {
  if (stopping_ || paused_) return;
  RetireReplaced(now);
  if (reload_ && !reload_->proven) {
    StartMissing(generation_, 1, now);  // one tries, before all follow
    StartMissing(reload_->old_generation, target_, now);
  } else {
    StartMissing(generation_, target_ + (Recycles() ? 1 : 0), now);
  }
  if (recorder_wanted_ && !recorder_ && now >= recorder_delay_.next()) StartRecorder(now);
}

void Master::StartMissing(std::uint64_t generation, std::size_t wanted, MonotonicTime now) {
  const std::size_t staying = Count([generation](const Worker& worker) {
    return !worker.leaving() && worker.generation == generation;
  });
  for (std::size_t i = staying; i < wanted && now >= worker_delay_.next(); ++i) {
    StartWorker(generation, now);
  }
}

bool Master::Recycles() const {
  return std::ranges::any_of(
      workers_, [](const Worker& worker) { return worker.wants_recycling && !worker.leaving(); });
}

/// Lets go whom others have replaced: of the old generation as many as the new one has READY, one
/// that asked to be recycled once there is one more than needed, and whoever is over the target.
void Master::RetireReplaced(MonotonicTime now) {
  if (reload_ && !reload_->proven) return;
  const auto is_current = [this](const Worker& worker) {
    return !worker.leaving() && worker.generation == generation_;
  };
  std::size_t ready = Count(
      [&](const Worker& worker) { return is_current(worker) && worker.stage == Stage::kReady; });
  if (reload_) {
    const auto is_old = [this](const Worker& worker) {
      return !worker.leaving() && worker.generation != generation_;
    };
    for (std::size_t old = Count(is_old); old > 0 && ready + old > target_; --old) {
      RetireCheapest(is_old, now);
    }
    if (ready >= target_) EndReload(now);
    return;
  }
  for (Worker& worker : workers_) {
    if (ready <= target_) break;
    if (!worker.wants_recycling || !is_current(worker)) continue;
    Retire(worker, now);
    --ready;
  }
  while (Count(is_current) > target_ + (Recycles() ? 1 : 0)) RetireCheapest(is_current, now);
}

/// One that is not yet ready costs nothing to let go; else it is the one with the least to finish.
template <typename Predicate>
void Master::RetireCheapest(Predicate may_go, MonotonicTime now) {
  const auto cost = [&](const Worker& worker) {
    if (!may_go(worker)) return UINT64_MAX;
    if (worker.stage == Stage::kBooting) return std::uint64_t{0};
    return 1 + slots_[worker.slot].metrics.Get("connections");
  };
  Retire(*std::ranges::min_element(workers_, {}, cost), now);
}

void Master::InChild() {
  // The master's ends of the others' channels must not live on in us: they tell of its death.
  for (Worker& other : workers_) other.process.CloseControl();
  if (recorder_) recorder_->CloseControl();
  signals_.Reset();
}

void Master::StartWorker(std::uint64_t generation, MonotonicTime now) {
  const auto slot = std::ranges::find_if(
      slots_, [](const WorkerSlot& candidate) { return candidate.State() == WorkerState::kEmpty; });
  if (slot == slots_.end()) return;  // old generations still have them; tried again next turn
  const auto index = static_cast<std::size_t>(slot - slots_.begin());
  WorkerStart start{
      .slot = index, .generation = generation, .first_boot = !ever_ready_ && !options_.takes_over};
  // Ours to write until the fork, and again after the end (invariants 1 and 2 of WorkerSlot).
  slot->heartbeat_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  slot->SetState(WorkerState::kBooting);
  try {
    workers_.push_back({.process = ChildProcess::Start([this] { InChild(); },
                                                       [this, &start](int control_fd) {
                                                         start.control_fd = control_fd;
                                                         return options_.worker(start);
                                                       },
                                                       kMasterDiedSignal),
                        .slot = index,
                        .generation = generation,
                        .started = now,
                        .deadline = now + options_.boot_timeout});
  } catch (const std::system_error& error) {
    slot->SetState(WorkerState::kEmpty);
    worker_delay_.OnDeath(now, now);
    log_.error("start_failed error={:?}", error.what());
    return;
  }
  log_.info("worker_started worker={} child={} generation={}", index, workers_.back().process.pid(),
            generation);
}

void Master::StartRecorder(MonotonicTime now) {
  try {
    recorder_ = ChildProcess::Start(
        [this] { InChild(); }, [this](int control_fd) { return options_.recorder(control_fd); },
        kMasterDiedSignal);
    recorder_started_ = now;
    log_.info("recorder_started child={}", recorder_->pid());
  } catch (const std::system_error& error) {
    recorder_delay_.OnDeath(now, now);
    log_.error("start_failed recorder error={:?}", error.what());
  }
}

void Master::BeginReload(MonotonicTime now) {
  if (reload_ || !ever_ready_) {
    // Storms end in one more reload behind the one at hand, which sees the newest files.
    reload_again_ = true;
    return;
  }
  reload_again_ = false;
  reload_ = Reload{.old_generation = generation_};
  generation_ = ++newest_generation_;
  worker_delay_.Reset();
  log_.info("reload_begun generation={}", generation_);
  Notify(
      "RELOADING=1\nMONOTONIC_USEC=" +
      std::to_string(
          std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count()));
  Reconcile(now);
}

void Master::EndReload(MonotonicTime now) {
  log_.info("reload_done generation={} workers={}", generation_, target_);
  reload_.reset();
  Notify("READY=1\nSTATUS=generation " + std::to_string(generation_));
  if (reload_again_) BeginReload(now);
}

void Master::AbandonReload(MonotonicTime now) {
  log_.error("reload_abandoned generation={} kept={}", generation_, reload_->old_generation);
  generation_ = reload_->old_generation;
  reload_.reset();
  worker_delay_.Reset();
  Notify("READY=1\nSTATUS=the last reload failed, generation " + std::to_string(generation_) +
         " stays");
  if (reload_again_) BeginReload(now);
}

void Master::Retire(Worker& worker, MonotonicTime now) {
  worker.stage = Stage::kRetiring;
  worker.deadline = now + options_.retire_timeout;
  SendControl(worker.process.control(), {.kind = ControlMessage::Kind::kRetire});
  log_.info("worker_retired worker={} child={}", worker.slot, worker.process.pid());
}

void Master::CheckLiveness(MonotonicTime now) {
  for (Worker& worker : workers_) {
    if (worker.stage == Stage::kBooting || worker.stage >= Stage::kTerminated) continue;
    const auto stuck =
        FindStuck(slots_[worker.slot], now, trusted_from_, options_.heartbeat_timeout);
    if (!stuck) continue;
    const bool in_request = stuck->in == Stuck::In::kRequest;
    log_.error("{} worker={} child={} {}={}", in_request ? "request_stuck" : "loop_stopped",
               worker.slot, worker.process.pid(),
               in_request ? "request_for_ms" : "heartbeat_age_ms", stuck->since.count());
    worker.stage = Stage::kTerminated;  // TERM would be answered by a loop that does not turn
    worker.deadline = now;
  }
}

void Master::Escalate(MonotonicTime now) {
  for (Worker& worker : workers_) {
    if (now >= worker.deadline) EscalateWorker(worker, now);
  }
  if (!stopping_ || !workers_.empty() || !recorder_) return;
  if (recorder_kill_at_ == MonotonicTime::max()) {
    recorder_->CloseControl();  // asks it to write what it has and to leave
    recorder_kill_at_ = now + kRecorderStop;
  } else if (now >= recorder_kill_at_) {
    log_.warn("recorder_killed child={}", recorder_->pid());
    recorder_->Signal(SIGKILL);
    recorder_kill_at_ = now + kRecorderStop;
  }
}

void Master::EscalateWorker(Worker& worker, MonotonicTime now) {
  const auto step = [&](Stage stage, int signal) {
    worker.stage = stage;
    worker.deadline = now + kLadderStep;
    worker.process.Signal(signal);
    log_.warn("worker_signalled worker={} child={} signal={}", worker.slot, worker.process.pid(),
              ::strsignal(signal));
  };
  switch (worker.stage) {
    case Stage::kReady:
      return;
    case Stage::kRetiring:
    case Stage::kStopping:
      return step(Stage::kTerminated, SIGTERM);
    case Stage::kBooting:
      log_.error("boot_timeout worker={} child={}", worker.slot, worker.process.pid());
      step(Stage::kAborted, SIGABRT);
      // Now, not at its end: meanwhile another would be started in its place.
      if (IsTrial(worker)) AbandonReload(now);
      return;
    case Stage::kTerminated:
      return step(Stage::kAborted, SIGABRT);
    case Stage::kAborted:
    case Stage::kKilled:
      return step(Stage::kKilled, SIGKILL);
  }
}

MonotonicTime Master::NextDeadline(MonotonicTime now) const {
  MonotonicTime next = now + kTurn;
  for (const Worker& worker : workers_) next = std::min(next, worker.deadline);
  if (!stopping_) {
    if (worker_delay_.next() > now) next = std::min(next, worker_delay_.next());
    if (recorder_delay_.next() > now) next = std::min(next, recorder_delay_.next());
  }
  return std::min(next, recorder_kill_at_);
}

void Master::Wait(MonotonicTime now) {
  std::vector<pollfd> watched{{.fd = signals_.get(), .events = POLLIN, .revents = 0}};
  const auto watch = [&watched](int fd) {
    watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  };
  if (recorder_) watch(recorder_->pidfd());
  for (const int fd : upgrade_.watched()) watch(fd);
  if (options_.control != nullptr) watch(options_.control->fd());
  for (const Worker& worker : workers_) {
    watch(worker.process.pidfd());
    watch(worker.process.control());  // poll() passes over -1
  }
  const auto patience = std::chrono::ceil<milliseconds>(NextDeadline(now) - now);
  if (::poll(watched.data(), watched.size(),
             static_cast<int>(std::max<std::int64_t>(patience.count(), 0))) < 0 &&
      errno != EINTR) {
    log_.error("poll_failed error={:?}", std::strerror(errno));
  }

  const MonotonicTime then = Now();
  if (recorder_) {
    if (const auto end = recorder_->Reap()) {
      LogEnd("recorder", *recorder_, *end, stopping_);
      recorder_delay_.OnDeath(recorder_started_, then);
      recorder_.reset();
    }
  }
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    OnMessages(*worker, then);  // before its end: READY may have been its last word
    const auto next = std::next(worker);
    if (const auto end = worker->process.Reap()) {
      std::list<Worker> ended;
      ended.splice(ended.begin(), workers_, worker);
      OnEnd(ended.front(), *end, then);
    }
    worker = next;
  }
  ReapStrangers();
  OnSignals(then);
  TellMetrics();
  if (options_.control != nullptr) {
    options_.control->Answer([this, then] { return ToJson(Describe(then)); });
  }
}

void Master::OnMessages(Worker& worker, MonotonicTime now) {
  if (worker.process.control() < 0) return;
  while (true) {
    const ControlReceipt receipt = ReceiveControl(worker.process.control());
    if (receipt.ended) return worker.process.CloseControl();
    if (!receipt.message) return;
    switch (receipt.message->kind) {
      case ControlMessage::Kind::kReady:
        OnReady(worker, receipt.message->value, now);
        break;
      case ControlMessage::Kind::kRecycle:
        worker.wants_recycling = true;
        break;
      case ControlMessage::Kind::kNeedRecorder:
        recorder_wanted_ = true;
        break;
      case ControlMessage::Kind::kRetire:
      case ControlMessage::Kind::kStop:
      case ControlMessage::Kind::kReopenLogs:
        break;  // ours to send
    }
  }
}

void Master::OnReady(Worker& worker, std::uint64_t asked_workers, MonotonicTime now) {
  log_.info("worker_ready worker={} child={} generation={} took_ms={}", worker.slot,
            worker.process.pid(), worker.generation,
            std::chrono::duration_cast<milliseconds>(now - worker.started).count());
  if (worker.stage == Stage::kBooting) {
    worker.stage = Stage::kReady;
    worker.deadline = MonotonicTime::max();
  }
  worker.was_ready = true;
  const bool first = !ever_ready_;
  ever_ready_ = true;
  if (reload_ && !reload_->proven && worker.generation == generation_) {
    reload_->proven = true;
    worker_delay_.Reset();  // others may have died since it was started
    target_ = std::clamp<std::size_t>(asked_workers, 1, slots_.size() / 2);
  }
  if (!first) return;
  if (options_.on_ready) options_.on_ready();
  Notify("READY=1");
  if (reload_again_) BeginReload(now);
}

void Master::LogEnd(const std::string& who, const ChildProcess& process, const ChildEnd& end,
                    bool asked) {
  if (end.killed) {
    log_.log(asked ? spdlog::level::warn : spdlog::level::err,
             "child_killed {} child={} signal={}{}", who, process.pid(), ::strsignal(end.code),
             end.code == SIGKILL && !asked ? " hint=\"out of memory?\"" : "");
  } else {
    log_.log(end.code == kExitOk ? spdlog::level::info : spdlog::level::err,
             "child_exited {} child={} code={}", who, process.pid(), end.code);
  }
}

void Master::OnEnd(const Worker& worker, const ChildEnd& end, MonotonicTime now) {
  LogEnd("worker=" + std::to_string(worker.slot), worker.process, end, worker.leaving());
  WorkerSlot& slot = slots_[worker.slot];
  slot.metrics.ClearGauges();  // its counters go on (invariant 3)
  slot.request_started_ns.store(0);
  slot.request_deadline_ns.store(0);
  slot.SetState(WorkerState::kEmpty);

  if (stopping_ || worker.stage == Stage::kRetiring) return;
  if (!ever_ready_) {
    const bool says_why = !end.killed && (end.code == kExitUsage || end.code == kExitBootFailed);
    exit_code_ = says_why ? end.code : kExitBootFailed;
    log_.critical("first_boot_failed worker={} code={}", worker.slot, exit_code_);
    return Stop(SIGINT, now);
  }
  slot.metrics.Count("restarts");
  if (IsTrial(worker)) return AbandonReload(now);
  // What was READY for a while and died is replaced at once, what never was is not tried in a rush.
  worker_delay_.OnDeath(worker.was_ready ? worker.started : now, now);
}

void Master::ReapStrangers() {
  // As PID 1, or as a subreaper, orphans of others are ours to bury; their codes mean nothing here.
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const bool ours = (recorder_ && recorder_->pid() == info.si_pid) ||
                      upgrade_.waits_for(info.si_pid) ||
                      std::ranges::any_of(workers_, [&info](const Worker& worker) {
                        return worker.process.pid() == info.si_pid;
                      });
    if (ours) return;  // has ended since we looked; its descriptor wakes us
    ::waitpid(info.si_pid, nullptr, 0);
  }
}

void Master::OnSignals(MonotonicTime now) {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    OnSignal(static_cast<int>(info.ssi_signo), now);
  }
}

void Master::OnSignal(int signal, MonotonicTime now) {
  switch (signal) {
    case SIGCHLD:
      return;  // descriptors tell which
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
      return Stop(signal, now);
    case SIGHUP:
      if (!stopping_) BeginReload(now);
      return;
    case SIGTTIN:
      return ChangeTarget(1);
    case SIGTTOU:
      return ChangeTarget(-1);
    case SIGUSR1:
      if (options_.reopen_logs) options_.reopen_logs();
      for (const Worker& worker : workers_) {
        SendControl(worker.process.control(), {.kind = ControlMessage::Kind::kReopenLogs});
      }
      return;
    case SIGUSR2:
      return BeginUpgrade(now);
    case SIGWINCH:
      if (!upgrade_.begun() || stopping_) break;  // a terminal that was resized
      paused_ = true;
      for (Worker& worker : workers_) {
        if (!worker.leaving()) Retire(worker, now);
      }
      return;
    default:
      break;
  }
  log_.info("signal_ignored signal={:?}", ::strsignal(signal));
}

void Master::TellMetrics() noexcept {
  state_.metrics.Set("generation", generation_);
  state_.metrics.Set("target", target_);
}

std::uint64_t Master::Total(MetricId metric) const {
  std::vector<std::optional<std::uint64_t>> values;
  for (const WorkerSlot& slot : slots_) values.emplace_back(slot.metrics.Get(metric));
  return AddUp(Metric::Across::kSum, values);
}

ServerStatus Master::Describe(MonotonicTime now) const {
  constexpr std::array<const char*, 4> kStates{"empty", "booting", "ready", "draining"};
  constexpr std::array<const char*, 7> kStages{"booting",    "ready",   "retiring", "stopping",
                                               "terminated", "aborted", "killed"};
  ServerStatus status{.pid = ::getpid(),
                      .uptime = std::chrono::duration_cast<milliseconds>(now - began_),
                      .metrics = state_.metrics.Read(),
                      .workers = {},
                      .recorder = {.pid = recorder_ ? recorder_->pid() : 0,
                                   .captured = Total("captured"),
                                   .dropped = Total("capture_dropped")}};
  for (const Worker& worker : workers_) {
    const WorkerSlot& slot = slots_[worker.slot];
    status.workers.push_back({.slot = worker.slot,
                              .pid = worker.process.pid(),
                              .generation = worker.generation,
                              .state = kStates.at(static_cast<std::size_t>(slot.State())),
                              .stage = kStages.at(static_cast<std::size_t>(worker.stage)),
                              .age = std::chrono::duration_cast<milliseconds>(now - worker.started),
                              .metrics = slot.metrics.Read()});
  }
  std::ranges::sort(status.workers, {}, &WorkerStatus::slot);
  if (options_.complete_status) options_.complete_status(status);
  return status;
}

void Master::Notify(const std::string& state) const {
  if (options_.notify) options_.notify(state);
}

void Master::BeginUpgrade(MonotonicTime now) {
  upgrade_.Begin(now + options_.boot_timeout + kLadderStep, stopping_ ? "stopping" : "");
}

void Master::CheckUpgrade(MonotonicTime now) {
  switch (upgrade_.Check(now)) {
    case UpgradeAttempt::Progress::kNothingNew:
      return;
    case UpgradeAttempt::Progress::kFailed:
      paused_ = false;
      return;
    case UpgradeAttempt::Progress::kDone:
      return HandOver(now);
  }
}

/// To the new master; what is left is to let the own workers finish.
void Master::HandOver(MonotonicTime now) {
  Notify("MAINPID=" + std::to_string(upgrade_.pid()));
  if (options_.hand_over) options_.hand_over();
  stopping_ = true;
  reload_.reset();
  for (Worker& worker : workers_) {
    if (!worker.leaving()) Retire(worker, now);
  }
}

void Master::ChangeTarget(int by) {
  const std::size_t most = slots_.size() / 2;  // the other half is for a generation that leaves
  const auto asked = static_cast<std::int64_t>(target_) + by;
  target_ =
      static_cast<std::size_t>(std::clamp<std::int64_t>(asked, 1, static_cast<std::int64_t>(most)));
  log_.info("workers_wanted workers={}", target_);
}

void Master::Stop(int signal, MonotonicTime now) {
  const bool quick = signal != SIGTERM;
  const bool at_once = quick && quick_;
  const milliseconds patience = at_once ? milliseconds(0)
                                : quick ? kQuickStop
                                        : options_.graceful_timeout;
  const MonotonicTime deadline = now + patience;
  log_.info("stopping signal={:?} patience_ms={}", ::strsignal(signal), patience.count());
  if (!stopping_) {
    stopping_ = true;
    reload_.reset();
    Notify("STOPPING=1");
    // Whoever was to take over must not: closing the door closes it for all who share it.
    upgrade_.Abort();
    if (options_.close_door) options_.close_door();
  }
  quick_ = quick_ || quick;
  const std::int64_t known = state_.stop_deadline_ns.load(std::memory_order_relaxed);
  const std::int64_t deadline_ns = deadline.time_since_epoch().count();
  if (known == 0 || deadline_ns < known) state_.stop_deadline_ns.store(deadline_ns);
  for (Worker& worker : workers_) {
    if (worker.stage >= Stage::kTerminated) continue;
    SendControl(worker.process.control(), {.kind = ControlMessage::Kind::kStop,
                                           .value = static_cast<std::uint64_t>(patience.count())});
    const bool was_stopping = worker.stage == Stage::kStopping;
    // A quick stop ends in SIGKILL, without the steps between.
    worker.stage = quick ? Stage::kAborted : Stage::kStopping;
    worker.deadline = was_stopping ? std::min(worker.deadline, deadline) : deadline;
  }
  if (at_once) {
    for (Worker& worker : workers_) worker.deadline = now;
  }
}

}  // namespace forkcast::serving
