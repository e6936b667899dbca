#include "serving/process/child_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "serving/process/process_log.hpp"

namespace forkcast::serving {
namespace {

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

ChildProcess ChildProcess::Start(const std::function<void()>& in_child,
                                 const std::function<int(int)>& main, int death_signal) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    ThrowErrno("socketpair");
  }
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) ThrowErrno("fork");
  if (pid == 0) {
    DieWithParent(parent, death_signal);
    ours.Reset();
    in_child();
    std::exit(main(theirs.Release()));
  }
  // The number cannot be another's: nobody but us can take this child's end.
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    errno = error;
    ThrowErrno("pidfd_open");
  }
  return {pid, std::move(pidfd), std::move(ours)};
}

void ChildProcess::DieWithParent(pid_t parent, int signal) noexcept {
  ::prctl(PR_SET_PDEATHSIG, signal);
  if (::getppid() != parent) std::_Exit(kExitInternal);  // died before prctl() could tell
}

void ChildProcess::Signal(int signal) const noexcept {
  // Fails only when the process has ended, and then there is nobody to signal.
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

std::optional<ChildEnd> ChildProcess::Reap() const {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd_.get());
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return std::nullopt;
  return ChildEnd{.killed = info.si_code != CLD_EXITED, .code = info.si_status};
}

}  // namespace forkcast::serving
