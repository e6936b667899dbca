#include "serving/process/master.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "serving/process/process_log.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kQuickStop{2};
constexpr std::chrono::seconds kRecorderStop{5};
constexpr std::chrono::seconds kStableAfter{
    10};  // a child that lived as long did not fail to start
constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kLongestDelay{30'000};

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

Master::Master(MasterOptions options, std::span<WorkerSlot> slots, spdlog::logger& log)
    : options_(std::move(options)), log_(log), jitter_(static_cast<unsigned>(::getpid())) {
  const sigset_t handled = HandledSignals();
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");

  const MonotonicTime now = Now();
  for (std::size_t i = 0; i < options_.workers.size(); ++i) {
    Place place;
    place.name = "worker=" + std::to_string(i);
    place.main = options_.workers[i];
    place.slot = &slots[i];
    place.start_at = now;
    places_.push_back(std::move(place));
  }
  if (options_.recorder) {
    Place place;
    place.name = "recorder";
    place.main = options_.recorder;
    place.start_at = now;
    places_.push_back(std::move(place));
  }
}

Master::~Master() = default;

int Master::Run() {
  log_.info("started workers={} pid={}", options_.workers.size(), ::getpid());
  while (phase_ != Phase::kDone) {
    StartDue(Now());
    std::vector<pollfd> watched{{.fd = signals_.get(), .events = POLLIN, .revents = 0}};
    for (const Place& place : places_) {
      // poll() passes over negative descriptors.
      watched.push_back(
          {.fd = place.ready ? -1 : place.control.get(), .events = POLLIN, .revents = 0});
    }
    ::poll(watched.data(), watched.size(), TimeoutMs(Now()));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (watched[i + 1].revents != 0) OnControl(places_[i]);
    }
    if (watched.front().revents != 0) OnSignals();
    AdvanceStop(Now());
  }
  log_.info("stopped code={}", exit_code_);
  return exit_code_;
}

int Master::TimeoutMs(MonotonicTime now) const {
  MonotonicTime next = kill_at_;
  if (phase_ == Phase::kRunning) {
    for (const Place& place : places_) {
      if (place.pid == 0) next = std::min(next, place.start_at);
    }
  }
  if (next == MonotonicTime::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(next - now);
  return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 60'000));
}

void Master::StartDue(MonotonicTime now) {
  if (phase_ != Phase::kRunning) return;
  for (Place& place : places_) {
    if (place.pid == 0 && now >= place.start_at) Start(place, now);
  }
}

milliseconds Master::RestartDelay(unsigned failures) {
  if (failures == 0) return milliseconds(0);
  const unsigned doublings = std::min(failures - 1, 16U);
  const milliseconds delay = std::min(kFirstDelay * (1 << doublings), kLongestDelay);
  // Up to a quarter less, so that children that died together do not start together for ever.
  return delay -
         milliseconds(std::uniform_int_distribution<std::int64_t>(0, delay.count() / 4)(jitter_));
}

void Master::Start(Place& place, MonotonicTime now) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    log_.error("socketpair_failed {} error={:?}", place.name, std::strerror(errno));
    place.start_at = now + RestartDelay(++place.failures);
    return;
  }
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t master = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    log_.error("fork_failed {} error={:?}", place.name, std::strerror(errno));
    place.start_at = now + RestartDelay(++place.failures);
    return;
  }
  if (pid == 0) {
    // Backstop to the end of file on the control socket; and the master may be gone already.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != master) std::_Exit(kExitInternal);
    ours.Reset();
    RunChild(place, theirs.Release());
  }
  place.pid = pid;
  place.control = std::move(ours);
  place.ready = false;
  place.started = now;
  if (place.slot != nullptr) place.slot->pid.store(pid, std::memory_order_relaxed);
  log_.info("child_started {} child={}", place.name, pid);
}

void Master::RunChild(Place& place, int control_fd) {
  // The master's ends of the others' sockets must not outlive it in us: they tell of its death.
  for (Place& other : places_) other.control.Reset();
  signals_.Reset();
  int code = kExitInternal;
  try {
    code = place.main(control_fd, !ever_ready_);
  } catch (const std::exception& error) {
    log_.critical("child_failed {} error={:?}", place.name, error.what());
  }
  std::exit(code);
}

void Master::OnControl(Place& place) {
  char message = 0;
  const ssize_t got = ::recv(place.control.get(), &message, 1, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // Said once; after it, and at its end, a child has nothing more to say. Its end comes by SIGCHLD.
  place.ready = true;
  if (got != 1 || place.slot == nullptr) return;
  ever_ready_ = true;
  log_.info("child_ready {} child={}", place.name, place.pid);
}

void Master::OnSignals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      Reap();
    } else if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT) {
      Stop(signal, Now());
    } else {
      log_.info("signal_ignored signal={}", ::strsignal(signal));
    }
  }
}

void Master::Reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto place = std::ranges::find(places_, pid, &Place::pid);
    if (place == places_.end()) {
      log_.debug("stranger_reaped child={}", pid);  // an orphan, when we are PID 1
    } else {
      OnEnd(*place, status, Now());
    }
  }
}

void Master::OnEnd(Place& place, int status, MonotonicTime now) {
  const bool asked = phase_ != Phase::kRunning;
  const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == kExitOk;
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    log_.log(asked ? spdlog::level::warn : spdlog::level::err,
             "child_killed {} child={} signal={}{}", place.name, place.pid, ::strsignal(signal),
             signal == SIGKILL && !asked ? " hint=\"out of memory?\"" : "");
  } else {
    log_.log(clean ? spdlog::level::info : spdlog::level::err, "child_exited {} child={} code={}",
             place.name, place.pid, WEXITSTATUS(status));
  }
  place.pid = 0;
  place.control.Reset();
  if (place.slot != nullptr) {
    place.slot->state.store(static_cast<std::uint32_t>(WorkerState::kEmpty));
    place.slot->pid.store(0);
    place.slot->connections.store(0);
    place.slot->request_deadline_ns.store(0);
  }
  if (asked) return;
  if (place.slot != nullptr && !ever_ready_) {
    log_.critical("first_boot_failed {}", place.name);
    exit_code_ = kExitBootFailed;
    return Stop(SIGINT, now);
  }
  place.failures = now - place.started >= kStableAfter ? 0 : place.failures + 1;
  place.start_at = now + RestartDelay(place.failures);
}

void Master::Stop(int signal, MonotonicTime now) {
  const bool quick = signal != SIGTERM;
  if (quick && quick_) {
    kill_at_ = now;  // asked twice
    return;
  }
  const auto patience = quick ? kQuickStop : options_.graceful_timeout;
  if (phase_ == Phase::kRunning) {
    log_.info("stopping signal={} patience_s={}", ::strsignal(signal), patience.count());
    phase_ = Phase::kStoppingWorkers;
    SignalWorkers(SIGTERM);
  }
  quick_ = quick_ || quick;
  if (phase_ == Phase::kStoppingWorkers) kill_at_ = std::min(kill_at_, now + patience);
}

void Master::AdvanceStop(MonotonicTime now) {
  if (phase_ == Phase::kStoppingWorkers) {
    if (now >= kill_at_) {
      log_.warn("killing_workers");
      SignalWorkers(SIGKILL);
      kill_at_ = MonotonicTime::max();
    }
    if (AnyWorkerAlive()) return;
    phase_ = Phase::kStoppingRecorder;
    kill_at_ = now + kRecorderStop;
    // The end of file asks the recorder to write what it has and to leave.
    for (Place& place : places_) place.control.Reset();
  }
  if (phase_ == Phase::kStoppingRecorder) {
    const auto alive = std::ranges::find_if(places_, [](const Place& p) { return p.pid != 0; });
    if (alive == places_.end()) {
      phase_ = Phase::kDone;
    } else if (now >= kill_at_) {
      log_.warn("killing_recorder");
      ::kill(alive->pid, SIGKILL);
      kill_at_ = MonotonicTime::max();
    }
  }
}

void Master::SignalWorkers(int signal) {
  for (const Place& place : places_) {
    if (place.slot != nullptr && place.pid != 0) ::kill(place.pid, signal);
  }
}

bool Master::AnyWorkerAlive() const noexcept {
  return std::ranges::any_of(
      places_, [](const Place& place) { return place.slot != nullptr && place.pid != 0; });
}

}  // namespace forkcast::serving
