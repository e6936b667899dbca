#include "serving/process/upgrade_attempt.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace forkcast::serving {

void UpgradeAttempt::Begin(MonotonicTime deadline, std::string_view refusal) {
  if (refusal.empty() && upgraded_) refusal = "one is under way";
  if (refusal.empty() && !start_) refusal = "not possible here";
  // The container would end with us, whoever took over.
  if (refusal.empty() && ::getpid() == 1) {
    refusal = "this is the first process of its container";
  }
  if (!refusal.empty()) {
    log_.warn("upgrade_refused reason={:?}", refusal);
    return;
  }
  auto started = start_();
  if (!started) {
    log_.error("upgrade_failed error={:?}", started.error().message);
    return;
  }
  upgraded_ = std::move(*started);
  deadline_ = deadline;
  log_.info("upgrade_begun child={}", upgraded_->pid);
}

UpgradeAttempt::Progress UpgradeAttempt::Check(MonotonicTime now) {
  if (!upgraded_ || done_) return Progress::kNothingNew;
  pollfd ready{.fd = upgraded_->ready.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 0) == 1) {
    char byte = 0;
    if (::read(upgraded_->ready.get(), &byte, 1) == 1) {
      log_.info("upgrade_done child={}", upgraded_->pid);
      done_ = true;
      return Progress::kDone;
    }
  }
  siginfo_t info{};
  const bool ended =
      ::waitid(P_PIDFD, static_cast<id_t>(upgraded_->pidfd.get()), &info, WEXITED | WNOHANG) == 0 &&
      info.si_pid != 0;
  if (ended) {
    log_.error("upgrade_failed child={} code={}", upgraded_->pid, info.si_status);
  } else if (now >= deadline_) {
    log_.error("upgrade_failed child={} reason=\"not ready in time\"", upgraded_->pid);
    Abort();
  } else {
    return Progress::kNothingNew;
  }
  upgraded_.reset();
  return Progress::kFailed;
}

void UpgradeAttempt::Abort() noexcept {
  if (!upgraded_ || done_) return;
  ::syscall(SYS_pidfd_send_signal, upgraded_->pidfd.get(), SIGKILL, nullptr, 0);
}

std::vector<int> UpgradeAttempt::watched() const {
  if (!upgraded_ || done_) return {};
  return {upgraded_->ready.get(), upgraded_->pidfd.get()};
}

}  // namespace forkcast::serving
