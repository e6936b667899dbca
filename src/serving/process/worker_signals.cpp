#include "serving/process/worker_signals.hpp"

#include <execinfo.h>
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace forkcast::serving {
namespace {

// A signal handler has no other way to its data. Set once, before the handler is.
const WorkerSlot* reported_slot = nullptr;
LogOutput* report = nullptr;
pid_t master = 0;

/// Frame by frame through a pipe: what writes their names waits for its reader, and must not.
void ReportFrames(void* const* frames, int count) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  for (int i = 0; i < count; ++i) {
    ::backtrace_symbols_fd(frames + i, 1, pipe[1]);
    std::array<char, LogOutput::kMostBytes> line;
    const ssize_t size = ::read(pipe[0], line.data(), line.size());
    if (size > 0) report->Write({line.data(), static_cast<std::size_t>(size)});
  }
}

/// The one handler that does more than wake the loop: the loop hangs.
void ReportAndDie(int signal) {
  // In one write, since others write to the log, too.
  constexpr std::string_view kBegin = "worker_aborted request_id=\"";
  constexpr std::string_view kEnd = "\" backtrace:\n";
  std::array<char, kBegin.size() + sizeof(WorkerSlot::request_id) + kEnd.size()> line{};
  auto end = std::ranges::copy(kBegin, line.begin()).out;
  const bool at_request = reported_slot->request_started_ns.load(std::memory_order_relaxed) != 0;
  for (const char c : reported_slot->request_id.Load()) {
    if (c == '\0' || !at_request) break;
    *end++ = c;
  }
  end = std::ranges::copy(kEnd, end).out;
  report->Write({line.data(), static_cast<std::size_t>(end - line.begin())});
  std::array<void*, 64> frames{};
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ReportFrames(frames.data(), count);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void EndSoon(int) {
  if (::getppid() == master) return;  // a stray
  constexpr auto kGraceUs = std::chrono::microseconds(kOrphanGrace).count();
  const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = kGraceUs}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);  // SIGALRM's default ends the process
}

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void InstallWorkerSignals(const WorkerSlot& slot, LogOutput& log) {
  for (const int ignored :
       {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGWINCH, SIGPIPE}) {
    ::signal(ignored, SIG_IGN);
  }
  reported_slot = &slot;
  report = &log;
  master = ::getppid();
  void* frame = nullptr;
  ::backtrace(&frame, 1);  // the first call loads a library, which a handler must not
  Handle(SIGABRT, ReportAndDie);
  Handle(kMasterDiedSignal, EndSoon);
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
}

}  // namespace forkcast::serving
