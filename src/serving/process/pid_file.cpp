#include "serving/process/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace forkcast::serving {
namespace {

Error Refusal(ErrorCode code, const std::filesystem::path& path, const std::string& why) {
  return {code, path.string() + ": " + why, "pidfile"};
}

Error PidFileError(const std::filesystem::path& path, const std::string& what) {
  return Refusal(ErrorCode::kIo, path, what + ": " + std::generic_category().message(errno));
}

/// The beginning of the file, enough for any process number, without its line feed.
std::string Content(const Fd& file) {
  std::array<char, 32> bytes{};
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  std::string text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool IsProcessNumber(std::string_view text) noexcept {
  constexpr std::size_t kMostDigits = 10;
  return text.size() <= kMostDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether `path` names the file that is open as `file`.
bool IsAt(const std::filesystem::path& path, const Fd& file) noexcept {
  struct stat named {};
  struct stat opened {};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(file.get(), &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/// The file at `path`, made if need be, locked and with nothing in it but what a server wrote.
Result<Fd> OpenLocked(const std::filesystem::path& path, mode_t mode) {
  while (true) {
    // O_NONBLOCK: a pipe there would make us wait for its other end.
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode));
    if (!file) return PidFileError(path, "cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return PidFileError(path, "cannot be looked at");
    if (!S_ISREG(status.st_mode)) return Refusal(ErrorCode::kIo, path, "is no regular file");
    const std::string content = Content(file);
    if (!IsProcessNumber(content)) {
      return Refusal(ErrorCode::kIo, path, "holds something else than a process id; not touched");
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return PidFileError(path, "cannot be locked");
      return Refusal(ErrorCode::kConflict, path, "held by the running process " + content);
    }
    // Whoever held it may have removed it between our opening and locking it.
    if (IsAt(path, file)) return file;
  }
}

}  // namespace

Result<PidFile> PidFile::Open(const std::filesystem::path& path, mode_t mode) {
  PidFile opened;
  std::error_code failed;
  opened.path_ = std::filesystem::absolute(path, failed);
  if (failed) return Refusal(ErrorCode::kIo, path, failed.message());
  Result<Fd> file = OpenLocked(opened.path_, mode);
  if (!file) return std::move(file).error();
  opened.fd_ = std::move(*file);
  opened.owner_ = ::getpid();
  const std::string text = std::to_string(opened.owner_) + "\n";
  const auto size = static_cast<ssize_t>(text.size());
  // The umask may have taken more than it should.
  if (::fchmod(opened.fd_.get(), mode) != 0 ||
      ::pwrite(opened.fd_.get(), text.data(), text.size(), 0) != size ||
      ::ftruncate(opened.fd_.get(), size) != 0) {
    return PidFileError(opened.path_, "cannot be written");
  }
  return opened;
}

PidFile::PidFile(PidFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::exchange(other.path_, {})),
      owner_(std::exchange(other.owner_, 0)) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::move(other.fd_);
  path_ = std::exchange(other.path_, {});
  owner_ = std::exchange(other.owner_, 0);
  return *this;
}

Status PidFile::MoveTo(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::path target = std::filesystem::absolute(path, failed);
  if (failed) return Refusal(ErrorCode::kIo, path, failed.message());
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    return PidFileError(target, "cannot be replaced");
  }
  path_ = std::move(target);
  return {};
}

void PidFile::Close() noexcept {
  // Removed before the lock goes: whoever locks a removed file notices and makes a new one.
  if (fd_ && owner_ == ::getpid() && IsAt(path_, fd_)) ::unlink(path_.c_str());
  fd_.Reset();
}

}  // namespace forkcast::serving
