#include "data_preprocessing/base/atomic_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "data_preprocessing/base/system_error.hpp"

namespace forkcast {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  std::string pattern = path_.string() + ".XXXXXX";
  fd_ = Fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!fd_) ThrowErrno(path_);
  temporary_ = pattern;
  // mkostemp makes 0600; workers that run as another user must be able to read what is published.
  if (::fchmod(fd_.get(), 0644) != 0) ThrowErrno(temporary_);
}

AtomicFile::~AtomicFile() {
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
}

void AtomicFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      ThrowErrno(temporary_);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::WriteAt(std::size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      ThrowErrno(temporary_);
    }
    offset += static_cast<std::size_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::Commit() {
  if (::fsync(fd_.get()) != 0) ThrowErrno(temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) ThrowErrno(path_);
  temporary_.clear();
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // The rename has happened; a directory that cannot be synced only weakens it against power loss.
  if (directory) ::fsync(directory.get());
}

}  // namespace forkcast
