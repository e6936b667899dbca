#include "serving/process/log_output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace forkcast::serving {
namespace {

static_assert(LogOutput::kMostBytes <= PIPE_BUF);

/// The same pipe or terminal, by a description that nobody else has.
Fd OpenAnew(int descriptor) noexcept {
  const char* const path = descriptor == STDOUT_FILENO ? "/proc/self/fd/1" : "/proc/self/fd/2";
  return Fd(::open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

bool TakesMore(int descriptor) noexcept {
  pollfd asked{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

}  // namespace

LogOutput::LogOutput(Fd file, LogLosses& losses) noexcept
    : fd_(std::move(file)), losses_(&losses) {}

LogOutput LogOutput::OfStandard(int descriptor, LogLosses& losses) noexcept {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return {Fd(), losses};
  const bool is_pipe = S_ISFIFO(status.st_mode);
  const bool is_device = S_ISCHR(status.st_mode);
  if (is_pipe || is_device) {
    if (Fd own = OpenAnew(descriptor)) return {std::move(own), losses};
  }
  LogOutput output(Fd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)), losses);
  if (S_ISSOCK(status.st_mode)) output.way_ = Way::kSend;
  if (is_device) output.way_ = Way::kPollFirst;
  if (is_pipe) output.way_ = Way::kSplice;
  return output;
}

bool LogOutput::Write(std::string_view line) noexcept {
  // A pipe takes a line or none of it, so it is never torn.
  const bool behind_torn = way_ != Way::kSplice && losses_->torn.load(std::memory_order_relaxed) &&
                           losses_->torn.exchange(false, std::memory_order_relaxed);
  const auto all = static_cast<ssize_t>(line.size()) + (behind_torn ? 1 : 0);
  const ssize_t written = fd_ ? Put(line, behind_torn) : 0;
  if (written == all) return true;
  losses_->lines.fetch_add(1, std::memory_order_relaxed);
  const bool nothing = written <= 0;
  if (nothing ? behind_torn : written > (behind_torn ? 1 : 0)) {
    losses_->torn.store(true, std::memory_order_relaxed);
  }
  return false;
}

ssize_t LogOutput::Put(std::string_view line, bool behind_torn) const noexcept {
  if (way_ == Way::kSplice) return Splice(line);
  if (way_ == Way::kPollFirst && !TakesMore(fd_.get())) return 0;
  char line_feed = '\n';
  std::array<iovec, 2> parts{iovec{&line_feed, behind_torn ? 1U : 0U},
                             iovec{const_cast<char*>(line.data()), line.size()}};
  if (way_ != Way::kSend) return ::writev(fd_.get(), parts.data(), parts.size());
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// A pipe for each line, rather than one that forked processes would share.
ssize_t LogOutput::Splice(std::string_view line) const noexcept {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return 0;
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  // One write into an empty pipe is one page of it, which moves as a whole or not at all.
  const auto size = static_cast<ssize_t>(line.size());
  if (::write(in.get(), line.data(), line.size()) != size) return 0;
  return ::splice(out.get(), nullptr, fd_.get(), nullptr, line.size(), SPLICE_F_NONBLOCK);
}

}  // namespace forkcast::serving
