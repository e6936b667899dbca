#include "serving/process/master.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "serving/process/end_log.hpp"
#include "serving/process/liveness.hpp"
#include "serving/process/process_log.hpp"
#include "serving/process/worker_end.hpp"
#include "serving/process/worker_signals.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{250};  // liveness is looked at as often

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

Master::Master(MasterOptions options, const Clock& clock, std::span<WorkerSlot> slots,
               ServerState& state, spdlog::logger& log)
    : options_(std::move(options)),
      clock_(clock),
      slots_(slots),
      state_(state),
      log_(log),
      recorder_({.name = "recorder"}, options_.needs_recorder,
                static_cast<std::uint32_t>(::getpid()), log_),
      refresher_(static_cast<bool>(options_.refresher), static_cast<std::uint32_t>(::getpid()),
                 state_.metrics, log_),
      trainer_(static_cast<bool>(options_.trainer), static_cast<std::uint32_t>(::getpid()),
               state_.metrics, log_),
      retraining_(state_.metrics, log_),
      worker_delay_(static_cast<std::uint32_t>(::getpid())),
      target_(options_.workers, slots_.size()),
      upgrade_(std::move(options_.start_upgrade), log_),
      began_(clock_.Monotonic()),
      suspensions_(kTurn, began_) {
  const sigset_t handled = HandledSignals();
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
}

Master::~Master() = default;

int Master::Run() {
  log_.info("started workers={} pid={}", target_.workers(), ::getpid());
  while (!Stopped()) {
    const MonotonicTime now = clock_.Monotonic();
    suspensions_.OnTurn(now);
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
  const FleetPlan plan = Plan();
  for (const std::size_t place : plan.retire) {
    Retire(*std::next(workers_.begin(), static_cast<std::ptrdiff_t>(place)), now);
  }
  if (plan.reload_done) {
    FinishReload(now);
    return Reconcile(now);
  }
  for (const FleetPlan::Start& start : plan.start) {
    for (std::size_t i = 0; i < start.workers && now >= worker_delay_.next(); ++i) {
      StartWorker(start.generation, now);
    }
  }
  recorder_.StartIfDue(now, [this] { return Fork(options_.recorder); });
  // An old master's goes on until ours can take its place.
  if (options_.takes_over && !reload_.ever_ready()) return;
  refresher_.StartIfDue(now, [this] { return Fork(options_.refresher); });
  trainer_.StartIfDue(now, [this] { return Fork(options_.trainer); });
}

FleetPlan Master::Plan() {
  std::vector<FleetMember> members;
  members.reserve(workers_.size());
  for (const Worker& worker : workers_) {
    members.push_back({.generation = worker.generation,
                       .stage = worker.ladder.stage(),
                       .wants_recycling = worker.wants_recycling,
                       .connections = slots_[worker.slot].metrics.Get("connections")});
  }
  return PlanFleet(members, reload_, target_.workers());
}

ChildProcess Master::Fork(const std::function<int(int control_fd)>& main) {
  const auto in_child = [this] {
    // The master's ends of the others' channels must not live on in us: they tell of its death.
    for (Worker& other : workers_) other.process.CloseControl();
    recorder_.CloseControl();
    refresher_.keeper().CloseControl();
    trainer_.keeper().CloseControl();
    retraining_.CloseControl();
    signals_.Reset();
  };
  return ChildProcess::Start(in_child, main, kMasterDiedSignal);
}

void Master::StartWorker(std::uint64_t generation, MonotonicTime now) {
  const auto slot = std::ranges::find_if(
      slots_, [](const WorkerSlot& candidate) { return candidate.State() == WorkerState::kEmpty; });
  if (slot == slots_.end()) return;  // old generations still have them; tried again next turn
  const auto index = static_cast<std::size_t>(slot - slots_.begin());
  WorkerStart start{.slot = index,
                    .generation = generation,
                    .first_boot = !reload_.ever_ready() && !options_.takes_over};
  const auto end = static_cast<std::uint32_t>(index + 1);
  if (end > state_.slots_end.load(std::memory_order_relaxed)) state_.slots_end.store(end);
  // Ours to write until the fork, and again after the end (invariants 1 and 2 of WorkerSlot).
  slot->heartbeat_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  slot->SetState(WorkerState::kBooting);
  try {
    workers_.push_back({.process = Fork([this, &start](int control_fd) {
                          start.control_fd = control_fd;
                          return options_.worker(start);
                        }),
                        .slot = index,
                        .generation = generation,
                        .ladder = KillLadder(now + options_.boot_timeout),
                        .started = now});
  } catch (const std::system_error& error) {
    slot->SetState(WorkerState::kEmpty);
    worker_delay_.OnDeath(now, now);
    log_.error("start_failed error={:?}", error.what());
    return;
  }
  log_.info("worker_started worker={} child={} generation={}", index, workers_.back().process.pid(),
            generation);
}

void Master::BeginReload(MonotonicTime now) {
  if (reload_.Ask() == ReloadPlan::Asked::kLater) return;
  worker_delay_.Reset();
  log_.info("reload_begun generation={}", reload_.generation());
  for (auto& deaths : state_.hook_deaths) deaths.store(0);
  Notify(
      "RELOADING=1\nMONOTONIC_USEC=" +
      std::to_string(
          std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count()));
  Reconcile(now);
}

void Master::FinishReload(MonotonicTime now) {
  log_.info("reload_done generation={} workers={}", reload_.generation(), target_.workers());
  refresher_.keeper().End(now);  // the next one goes by the new settings
  trainer_.Retire();             // likewise, once its jobs have ended
  reload_.Finish();
  Notify("READY=1\nSTATUS=generation " + std::to_string(reload_.generation()));
  if (reload_.asked_again()) BeginReload(now);
}

void Master::AbandonReload(MonotonicTime now) {
  log_.error("reload_abandoned generation={} kept={}", reload_.generation(),
             reload_.kept_generation());
  reload_.Abandon();
  worker_delay_.Reset();
  Notify("READY=1\nSTATUS=the last reload failed, generation " +
         std::to_string(reload_.generation()) + " stays");
  if (reload_.asked_again()) BeginReload(now);
}

void Master::Retire(Worker& worker, MonotonicTime now) {
  worker.ladder.Retire(now + options_.retire_timeout);
  SendControl(worker.process.control(), {.kind = ControlMessage::Kind::kRetire});
  log_.info("worker_retired worker={} child={}", worker.slot, worker.process.pid());
}

void Master::RetireAll(MonotonicTime now) {
  for (Worker& worker : workers_) {
    if (!worker.ladder.leaving()) Retire(worker, now);
  }
}

void Master::CheckLiveness(MonotonicTime now) {
  for (Worker& worker : workers_) {
    const WorkerStage stage = worker.ladder.stage();
    if (stage == WorkerStage::kBooting || stage >= WorkerStage::kTerminated) continue;
    const auto stuck = FindStuck(slots_[worker.slot], now, suspensions_.trusted_from(),
                                 options_.heartbeat_timeout);
    if (!stuck) continue;
    const bool in_request = stuck->in == Stuck::In::kRequest;
    log_.error("{} worker={} child={} {}={}", in_request ? "request_stuck" : "loop_stopped",
               worker.slot, worker.process.pid(),
               in_request ? "request_for_ms" : "heartbeat_age_ms", stuck->since.count());
    worker.ladder.OnStuck(now);
  }
}

void Master::Escalate(MonotonicTime now) {
  for (Worker& worker : workers_) EscalateWorker(worker, now);
  if (stopping_) retraining_.End(now);
  if (stopping_ && workers_.empty()) recorder_.End(now);
  if (stopping_ || refresher_.keeper().is_ending()) refresher_.keeper().End(now);
  if (stopping_) trainer_.keeper().End(now);
}

void Master::EscalateWorker(Worker& worker, MonotonicTime now) {
  const bool boots = worker.ladder.stage() == WorkerStage::kBooting;
  const std::optional<int> signal = worker.ladder.Climb(now);
  if (!signal) return;
  if (boots) log_.error("boot_timeout worker={} child={}", worker.slot, worker.process.pid());
  worker.process.Signal(*signal);
  log_.warn("worker_signalled worker={} child={} signal={}", worker.slot, worker.process.pid(),
            ::strsignal(*signal));
  // Now, not at its end: meanwhile another would be started in its place.
  if (boots && reload_.IsOnTrial(worker.generation)) AbandonReload(now);
}

MonotonicTime Master::NextDeadline(MonotonicTime now) const {
  MonotonicTime next = now + kTurn;
  for (const Worker& worker : workers_) next = std::min(next, worker.ladder.deadline());
  if (!stopping_) {
    for (const MonotonicTime start :
         {worker_delay_.next(), recorder_.start_due(), refresher_.keeper().start_due(),
          trainer_.keeper().start_due()}) {
      if (start > now) next = std::min(next, start);
    }
  }
  return std::min({next, recorder_.kill_due(), refresher_.keeper().kill_due(),
                   trainer_.keeper().kill_due(), retraining_.kill_due()});
}

void Master::Wait(MonotonicTime now) {
  std::vector<pollfd> watched{{.fd = signals_.get(), .events = POLLIN, .revents = 0}};
  const auto watch = [&watched](int fd) {
    watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  };
  if (refresher_.keeper().running()) {
    watch(refresher_.keeper().pidfd());
    watch(refresher_.keeper().control());
  }
  if (trainer_.keeper().running()) {
    watch(trainer_.keeper().pidfd());
    watch(trainer_.keeper().control());
  }
  if (recorder_.running()) {
    watch(recorder_.pidfd());
    watch(recorder_.control());
  }
  if (retraining_.running()) watch(retraining_.pidfd());
  for (const int fd : upgrade_.watched()) watch(fd);
  if (options_.control != nullptr) {
    for (const int fd : options_.control->watched()) watch(fd);
  }
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

  OnEvents(clock_.Monotonic());
}

void Master::OnEvents(MonotonicTime now) {
  const Asked asked = stopping_ ? Asked::kYes : Asked::kNo;
  OnRecorderMessages(now);
  recorder_.Reap(now, asked);
  refresher_.Take(now, asked);
  trainer_.Take(now, asked);
  retraining_.Reap(now);
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    OnMessages(*worker, now);  // before its end: READY may have been its last word
    const auto next = std::next(worker);
    if (const auto end = worker->process.Reap()) {
      std::list<Worker> ended;
      ended.splice(ended.begin(), workers_, worker);
      OnEnd(ended.front(), *end, now);
    }
    worker = next;
  }
  ReapStrangers();
  OnSignals(now);
  TellMetrics();
  if (options_.experiments != nullptr) options_.experiments->Look();
  AnswerControl(now);
}

void Master::AnswerControl(MonotonicTime now) {
  if (options_.control == nullptr) return;
  ControlSocket::Replies replies{.status = [this, now] { return ToJson(Describe(now)); }};
  if (options_.experiments != nullptr) {
    replies.order = [this](std::string_view line) { return options_.experiments->Order(line); };
  }
  options_.control->Answer(replies, now);
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
        recorder_.Want();
        break;
      case ControlMessage::Kind::kRetire:
      case ControlMessage::Kind::kStop:
      case ControlMessage::Kind::kReopenLogs:
      case ControlMessage::Kind::kRetrain:
        break;  // ours to send, or the recorder's
    }
  }
}

void Master::OnRecorderMessages(MonotonicTime now) {
  if (!recorder_.running() || recorder_.control() < 0) return;
  while (true) {
    const ControlReceipt receipt = ReceiveControl(recorder_.control());
    if (!receipt.message) return;  // its end is told by its pidfd
    const bool is_wish = receipt.message->kind == ControlMessage::Kind::kRetrain;
    if (!is_wish || stopping_ || options_.retrain_board == nullptr) continue;
    // None: it is being written again, and told again.
    const auto wish = ReadRetrainWish(options_.retrain_board->Get().value_or(""));
    if (!wish) continue;
    retraining_.Ask(*wish, now, [this](const RetrainWish& asked) {
      return Fork([this, asked](int) { return options_.retrain(asked); });
    });
  }
}

void Master::OnReady(Worker& worker, std::uint64_t asked_workers, MonotonicTime now) {
  log_.info("worker_ready worker={} child={} generation={} took_ms={}", worker.slot,
            worker.process.pid(), worker.generation,
            std::chrono::duration_cast<milliseconds>(now - worker.started).count());
  worker.ladder.OnReady();
  worker.was_ready = true;
  switch (reload_.OnReady(worker.generation)) {
    case ReloadPlan::Ready::kOneMore:
      return;
    case ReloadPlan::Ready::kProven:
      worker_delay_.Reset();  // others may have died since it was started
      return target_.Set(asked_workers);
    case ReloadPlan::Ready::kFirstEver:
      if (options_.on_ready) options_.on_ready();
      Notify("READY=1");
      if (reload_.asked_again()) BeginReload(now);
      return;
  }
}

void Master::OnEnd(const Worker& worker, const ChildEnd& end, MonotonicTime now) {
  LogEnd(log_, "worker=" + std::to_string(worker.slot), worker.process, end,
         worker.ladder.leaving() ? Asked::kYes : Asked::kNo);
  WorkerSlot& slot = slots_[worker.slot];
  const EndMeans meaning = MeaningOf({.stage = worker.ladder.stage(),
                                      .server_stops = stopping_,
                                      .any_ever_ready = reload_.ever_ready(),
                                      .on_trial = reload_.IsOnTrial(worker.generation)});
  // Places are those of the newest configuration.
  if (meaning != EndMeans::kAsWanted && worker.generation == reload_.generation()) BlameHook(slot);
  if (meaning != EndMeans::kAsWanted && options_.experiments != nullptr) {
    options_.experiments->OnDeath(worker.slot);
  }
  slot.hook_at_work.store(0);
  slot.metrics.ClearGauges();  // its counters go on (invariant 3)
  slot.serves.Set({});
  slot.failure.Set({});
  slot.request_started_ns.store(0);
  slot.request_deadline_ns.store(0);
  slot.SetState(WorkerState::kEmpty);

  switch (meaning) {
    case EndMeans::kAsWanted:
      return;
    case EndMeans::kServerFails:
      exit_code_ = ExitCodeAfter(end);
      log_.critical("first_boot_failed worker={} code={}", worker.slot, exit_code_);
      return Stop(SIGINT, now);
    case EndMeans::kReloadFails:
      slot.metrics.Count("restarts");
      return AbandonReload(now);
    case EndMeans::kReplace:
      slot.metrics.Count("restarts");
      // What was READY for a while and died is replaced at once, what never was is not tried in a
      // rush.
      return worker_delay_.OnDeath(worker.was_ready ? worker.started : now, now);
  }
}

/// A hook that takes workers along is left out of those that follow (invariant 7 of WorkerSlot).
void Master::BlameHook(const WorkerSlot& slot) {
  const std::uint32_t at_work = slot.hook_at_work.load();
  if (at_work == 0 || at_work > kMaxHooks) return;
  const std::uint32_t deaths = ++state_.hook_deaths[at_work - 1];
  log_.error("worker_died_in_hook hook={} place={} deaths={} off={}",
             slot.hooks[at_work - 1].type.Get().value_or(""), at_work - 1, deaths,
             deaths >= kDeathsUntilOff);
}

void Master::ReapStrangers() {
  // As PID 1, or as a subreaper, orphans of others are ours to bury; their codes mean nothing here.
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const bool ours = recorder_.pid() == info.si_pid || refresher_.keeper().pid() == info.si_pid ||
                      trainer_.keeper().pid() == info.si_pid || retraining_.pid() == info.si_pid ||
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
      target_.Increase();
      return log_.info("workers_wanted workers={}", target_.workers());
    case SIGTTOU:
      target_.Decrease();
      return log_.info("workers_wanted workers={}", target_.workers());
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
      return RetireAll(now);
    default:
      break;
  }
  log_.info("signal_ignored signal={:?}", ::strsignal(signal));
}

void Master::TellMetrics() noexcept {
  state_.metrics.Set("generation", reload_.generation());
  state_.metrics.Set("target", target_.workers());
  state_.metrics.Set("newest_edition", state_.editions.newest());
  state_.metrics.Set("log_lines_lost", state_.log_losses.lines.load(std::memory_order_relaxed));
  state_.metrics.Set("access_log_lines_lost",
                     state_.access_log_losses.lines.load(std::memory_order_relaxed));
}

std::uint64_t Master::Total(MetricId metric) const {
  std::vector<std::optional<std::uint64_t>> values;
  for (const WorkerSlot& slot : slots_) values.emplace_back(slot.metrics.Get(metric));
  return AddUp(Metric::Across::kSum, values);
}

ServerStatus Master::Describe(MonotonicTime now) const {
  ServerStatus status{.pid = ::getpid(),
                      .uptime = std::chrono::duration_cast<milliseconds>(now - began_),
                      .metrics = state_.metrics.Read(),
                      .workers = {},
                      .recorder = {.pid = recorder_.pid(),
                                   .captured = Total("captured"),
                                   .dropped = Total("capture_dropped")},
                      .refresher = refresher_.Describe(),
                      .trainer = trainer_.Describe()};
  for (const Worker& worker : workers_) {
    const WorkerSlot& slot = slots_[worker.slot];
    status.workers.push_back({.slot = worker.slot,
                              .pid = worker.process.pid(),
                              .generation = worker.generation,
                              .state = std::string(WordFor(slot.State())),
                              .stage = std::string(WordFor(worker.ladder.stage())),
                              .age = std::chrono::duration_cast<milliseconds>(now - worker.started),
                              .serves = slot.serves.Get(),
                              .failure = slot.failure.Get(),
                              .metrics = ReadMetrics(slot),
                              .hooks = HooksOf(slot)});
  }
  std::ranges::sort(status.workers, {}, &WorkerStatus::slot);
  if (options_.experiments != nullptr) status.experiments = options_.experiments->Describe();
  if (options_.complete_status) options_.complete_status(status);
  return status;
}

void Master::Notify(const std::string& state) const {
  if (options_.notify) options_.notify(state);
}

void Master::BeginUpgrade(MonotonicTime now) {
  upgrade_.Begin(now + options_.boot_timeout + KillLadder::kStep, stopping_ ? "stopping" : "");
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
  reload_.Cancel();
  RetireAll(now);
}

void Master::Stop(int signal, MonotonicTime now) {
  const StopKind kind = stop_orders_.Take(signal);
  const milliseconds patience = StopOrders::Patience(kind, options_.graceful_timeout);
  const MonotonicTime deadline = now + patience;
  log_.info("stopping signal={:?} patience_ms={}", ::strsignal(signal), patience.count());
  if (!stopping_) {
    stopping_ = true;
    reload_.Cancel();
    Notify("STOPPING=1");
    // Whoever was to take over must not: closing the door closes it for all who share it.
    upgrade_.Abort();
    if (options_.close_door) options_.close_door();
  }
  const std::int64_t known = state_.stop_deadline_ns.load(std::memory_order_relaxed);
  const std::int64_t deadline_ns = deadline.time_since_epoch().count();
  if (known == 0 || deadline_ns < known) state_.stop_deadline_ns.store(deadline_ns);
  for (Worker& worker : workers_) {
    if (worker.ladder.Stop(kind, deadline) == KillLadder::Told::kTooLate) continue;
    SendControl(worker.process.control(), {.kind = ControlMessage::Kind::kStop,
                                           .value = static_cast<std::uint64_t>(patience.count())});
  }
}

}  // namespace forkcast::serving
