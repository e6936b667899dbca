#include "serving/capture/capture_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "data_preprocessing/base/system_error.hpp"
#include "serving/capture/capture_folder.hpp"

namespace forkcast::serving {

CaptureFile::CaptureFile(const std::filesystem::path& path, std::error_code& failed)
    : fd_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                 kCaptureFileMode)) {
  failed = fd_ ? std::error_code() : LastError();
  // A file system without locks has no second recorder tidy behind this one, either.
  if (fd_) ::flock(fd_.get(), LOCK_EX | LOCK_NB);
}

bool CaptureFile::is_deleted() const noexcept {
  struct stat status {};
  return ::fstat(fd_.get(), &status) == 0 && status.st_nlink == 0;
}

bool CaptureFile::is_usable() const noexcept { return fd_ && !is_torn_ && !is_deleted(); }

CaptureFile::Outcome CaptureFile::Append(std::string_view lines) {
  std::size_t written = 0;
  while (written < lines.size()) {
    // More than once only when interrupted, or to learn why the first wrote less.
    const ssize_t got = ::write(fd_.get(), lines.data() + written, lines.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    written += static_cast<std::size_t>(got);
  }
  if (written == lines.size()) {
    size_ += written;
    return {written, {}};
  }
  const Outcome outcome{lines.substr(0, written).rfind('\n') + 1, LastError()};  // npos + 1 is 0
  size_ += outcome.kept;
  is_torn_ = ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0;
  return outcome;
}

}  // namespace forkcast::serving
