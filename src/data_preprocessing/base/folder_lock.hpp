#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast {

/// Holds the exclusive lock (flock) of a folder, for whoever makes or removes files in it by more
/// than one step. On the folder itself, since a lock file would stay behind; gone with the process
/// that holds it.
class FolderLock {
 public:
  enum class Wait { kUntilFree, kNo };

  explicit FolderLock(const std::filesystem::path& folder, Wait wait = Wait::kUntilFree) noexcept
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!fd_) return;
    int locked = 0;
    do {
      locked = ::flock(fd_.get(), LOCK_EX | (wait == Wait::kNo ? LOCK_NB : 0));
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) fd_.Reset();
  }
  /// False when the folder cannot be opened (errno says why), or another holds the lock.
  [[nodiscard]] bool held() const noexcept { return static_cast<bool>(fd_); }

 private:
  Fd fd_;
};

}  // namespace forkcast
