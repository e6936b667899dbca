#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast {

/// Holds the exclusive lock (flock) of a file that is there for nothing else, and stays: whoever
/// would remove it might remove the one that another has locked meanwhile. Gone with the process
/// that holds it.
class FileLock {
 public:
  enum class Wait { kUntilFree, kNo };

  explicit FileLock(const std::filesystem::path& file, Wait wait = Wait::kUntilFree) noexcept
      : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (!fd_) return;
    int locked = 0;
    do {
      locked = ::flock(fd_.get(), LOCK_EX | (wait == Wait::kNo ? LOCK_NB : 0));
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) fd_.Reset();
  }
  /// False when the file cannot be opened or locked (errno says why); EWOULDBLOCK: another holds
  /// the lock.
  [[nodiscard]] bool held() const noexcept { return static_cast<bool>(fd_); }

 private:
  Fd fd_;
};

}  // namespace forkcast
