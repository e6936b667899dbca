#include "serving/jobs/lease_guard.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace forkcast::serving {

LeaseGuard::~LeaseGuard() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<LeaseGuard::Lease> LeaseGuard::Watch(int pidfd, MonotonicTime until) {
  Fd ours(::fcntl(pidfd, F_DUPFD_CLOEXEC, 0));
  if (!ours) throw std::system_error(errno, std::generic_category(), "fcntl");
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  std::unique_ptr<Lease> lease;
  {
    const std::lock_guard lock(mutex_);
    watched_.push_back({.process = std::move(ours), .until = until});
    lease = std::make_unique<Lease>(*this, std::prev(watched_.end()));
  }
  changed_.notify_all();
  return lease;
}

void LeaseGuard::Run() {
  sigset_t all;  // signals are the loop's, which they wake
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!stops_) {
    const MonotonicTime now = std::chrono::steady_clock::now();
    MonotonicTime next = MonotonicTime::max();
    for (Watched& one : watched_) {
      if (one.is_over) continue;
      if (now < one.until) {
        next = std::min(next, one.until);
        continue;
      }
      ::syscall(SYS_pidfd_send_signal, one.process.get(), SIGKILL, nullptr, 0);
      one.is_over = true;
    }
    if (next == MonotonicTime::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
}

LeaseGuard::Lease::~Lease() {
  const std::lock_guard lock(guard_.mutex_);
  guard_.watched_.erase(watched_);
}

void LeaseGuard::Lease::Extend(MonotonicTime until) {
  const std::lock_guard lock(guard_.mutex_);
  watched_->until = until;
}

bool LeaseGuard::Lease::is_over() const {
  const std::lock_guard lock(guard_.mutex_);
  return watched_->is_over;
}

}  // namespace forkcast::serving
