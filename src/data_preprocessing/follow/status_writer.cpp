#include "data_preprocessing/follow/status_writer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace forkcast::preprocessing {

StatusWriter::StatusWriter(Fd fd, std::chrono::milliseconds interval)
    : fd_(std::move(fd)), interval_(interval) {
  // Signals are the main thread's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Repeat(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

StatusWriter::~StatusWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StatusWriter::Write(const FollowStatus& status) {
  const std::lock_guard lock(mutex_);
  line_ = ToJsonLine(status);
  is_new_ = true;
  Send();
  wake_.notify_one();
}

void StatusWriter::Repeat() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    is_new_ = false;
    const bool woken = wake_.wait_for(lock, interval_, [this] { return ends_ || is_new_; });
    if (!woken && !line_.empty()) Send();
  }
}

void StatusWriter::Send() {
  if (is_gone_) return;
  // Without waiting, whatever kind it is: a reader that is slow must not keep rows from coming.
  pollfd room{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&room, 1, 0) != 1) return;
  ssize_t sent = ::send(fd_.get(), line_.data(), line_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno == ENOTSOCK) sent = ::write(fd_.get(), line_.data(), line_.size());
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) is_gone_ = true;
}

}  // namespace forkcast::preprocessing
