#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// How a process ended.
struct ChildEnd {
  bool killed = false;  ///< By signal `code`; else it exited with `code`.
  int code = 0;
};

/// A forked process, held by a descriptor of its own (pidfd), so that neither a signal nor a wait
/// can hit another process that got its number. Move-only; does not end the process when it ends.
class ChildProcess {
 public:
  /// Forks. The child runs `main` with its end of the control channel and exits with what it
  /// returns; all else it does itself, before: `in_child` closes what is the parent's. When the
  /// parent dies the child gets `death_signal`. Throws std::system_error when there is no process
  /// or descriptor to be had.
  static ChildProcess Start(const std::function<void()>& in_child,
                            const std::function<int(int control_fd)>& main, int death_signal);

  /// In a child: has the kernel send `signal` when `parent` dies, and ends the child when it has
  /// died already. Start() does so; again after anything that clears it, as a change of user does.
  static void DieWithParent(pid_t parent, int signal) noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable when the process has ended.
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  [[nodiscard]] int control() const noexcept { return control_.get(); }
  /// Tells the child, by the end of its channel, that nothing more will come.
  void CloseControl() noexcept { control_.Reset(); }
  void Signal(int signal) const noexcept;
  /// Takes the end of the process when it has ended; then the object is done with.
  [[nodiscard]] std::optional<ChildEnd> Reap() const;

 private:
  ChildProcess(pid_t pid, Fd pidfd, Fd control) noexcept
      : pid_(pid), pidfd_(std::move(pidfd)), control_(std::move(control)) {}

  pid_t pid_;
  Fd pidfd_;
  Fd control_;
};

}  // namespace forkcast::serving
