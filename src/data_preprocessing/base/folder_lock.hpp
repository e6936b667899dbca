#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast {

/// Holds the lock (flock) of a folder: the exclusive one for whoever makes or removes files in it
/// by more than one step, a shared one for whoever must not see it in between. On the folder
/// itself, since a lock file would stay behind; gone with the process that holds it.
class FolderLock {
 public:
  enum class Wait { kUntilFree, kNo };
  enum class Kind { kExclusive, kShared };

  explicit FolderLock(const std::filesystem::path& folder, Wait wait = Wait::kUntilFree,
                      Kind kind = Kind::kExclusive) noexcept
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!fd_) return;
    const int operation =
        (kind == Kind::kExclusive ? LOCK_EX : LOCK_SH) | (wait == Wait::kNo ? LOCK_NB : 0);
    int locked = 0;
    do {
      locked = ::flock(fd_.get(), operation);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) fd_.Reset();
  }
  /// False when the folder cannot be opened or locked (errno says why); EWOULDBLOCK: another holds
  /// the lock.
  [[nodiscard]] bool held() const noexcept { return static_cast<bool>(fd_); }

 private:
  Fd fd_;
};

}  // namespace forkcast
