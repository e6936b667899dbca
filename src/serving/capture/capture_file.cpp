#include "serving/capture/capture_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {
namespace {

// Requests may hold personal data: nothing for others.
constexpr mode_t kFileMode = 0640;

std::error_code LastError() { return {errno, std::generic_category()}; }

}  // namespace

CaptureFile::CaptureFile(std::filesystem::path folder, std::string stem)
    : folder_(std::move(folder)), stem_(std::move(stem)) {}

std::filesystem::path CaptureFile::PathOf(UtcHour hour) const {
  const preprocessing::CivilTime time = preprocessing::TimeZone().ToCivil(hour);
  return folder_ / fmt::format("{:04}/{:02}/{:02}/{:02}/{}.jsonl", time.year, time.month, time.day,
                               time.hour, stem_);
}

std::error_code CaptureFile::Open(UtcHour hour) {
  struct stat status {};
  const bool usable =
      fd_ && hour == hour_ && ::fstat(fd_.get(), &status) == 0 && status.st_nlink > 0;
  if (usable) return {};
  const std::filesystem::path path = PathOf(hour);
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return error;
  fd_.Reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode));
  hour_ = hour;
  return fd_ ? std::error_code() : LastError();
}

std::error_code TryFolder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::path nearest = std::filesystem::absolute(folder, failed);
  if (failed) return failed;
  while (::faccessat(AT_FDCWD, nearest.c_str(), F_OK, AT_EACCESS) != 0) {
    if (errno != ENOENT || nearest == nearest.root_path()) return LastError();
    nearest = nearest.parent_path();
  }
  struct stat status {};
  if (::stat(nearest.c_str(), &status) != 0) return LastError();
  if (!S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::not_a_directory);
  const bool usable = ::faccessat(AT_FDCWD, nearest.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  return usable ? std::error_code() : LastError();
}

CaptureFile::Outcome CaptureFile::Append(UtcHour hour, std::string_view lines) {
  if (const std::error_code error = Open(hour)) return {0, error};
  std::size_t written = 0;
  while (written < lines.size()) {
    // More than once only when interrupted, or to learn why the first wrote less.
    const ssize_t got = ::write(fd_.get(), lines.data() + written, lines.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    written += static_cast<std::size_t>(got);
  }
  if (written == lines.size()) return {written, {}};

  Outcome outcome{lines.substr(0, written).rfind('\n') + 1, LastError()};  // npos + 1 is 0
  const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
  const auto torn = static_cast<off_t>(written - outcome.kept);
  // A torn line that cannot be cut off must be the last of its file.
  if (end < 0 || ::ftruncate(fd_.get(), end - torn) != 0) stem_ += "-continued";
  fd_.Reset();
  return outcome;
}

}  // namespace forkcast::serving
