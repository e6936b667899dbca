#include "serving/access/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/file_lock.hpp"

namespace forkcast::serving {
namespace {

constexpr mode_t kMode = 0600;
constexpr mode_t kWrittenByOthers = S_IWGRP | S_IWOTH;

Error SystemError(const std::filesystem::path& path, std::string_view what,
                  std::string_view setting) {
  return {ErrorCode::kIo,
          fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(errno)),
          std::string(setting)};
}

/// What is there, and whose it is.
struct Stored {
  std::optional<std::string> text{};
  uid_t user = ::geteuid();
  gid_t group = ::getegid();
};

Result<Stored> ReadStored(const std::filesystem::path& path, std::string_view setting,
                          WhenAbsent when_absent) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT && when_absent == WhenAbsent::kBegin) return Stored{};
    return SystemError(path, "cannot be read", setting);
  }
  Result<std::string> text = ReadSecretFile(path, setting);
  if (!text) return std::move(text).error();
  return Stored{.text = *std::move(text), .user = status.st_uid, .group = status.st_gid};
}

void Write(const std::filesystem::path& path, const Stored& stored) {
  AtomicFile file(path);
  // Before a byte is in it.
  const char* const temporary = file.temporary_path().c_str();
  const bool is_ours = stored.user == ::geteuid() && stored.group == ::getegid();
  if (::chmod(temporary, kMode) != 0 ||
      (!is_ours && ::chown(temporary, stored.user, stored.group) != 0)) {
    throw std::system_error(errno, std::generic_category(), temporary);
  }
  file.Write(*stored.text);
  file.Commit();
}

}  // namespace

Result<std::string> ReadSecretFile(const std::filesystem::path& path, std::string_view setting) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return SystemError(path, "cannot be read", setting);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: is no regular file", path.string()),
                 std::string(setting)};
  }
  if ((status.st_mode & kWrittenByOthers) != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: others than its owner may write it, and so give themselves any "
                             "role: chmod go-w",
                             path.string()),
                 std::string(setting)};
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "cannot be read", setting);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Status ChangeSecretFile(
    const std::filesystem::path& path, std::string_view setting, WhenAbsent when_absent,
    const std::function<Result<std::string>(const std::optional<std::string>& text)>& change) {
  std::filesystem::path lock_path = path;
  lock_path += ".lock";
  const FileLock lock(lock_path);
  if (!lock.held()) return SystemError(lock_path, "cannot be locked", setting);
  Result<Stored> stored = ReadStored(path, setting, when_absent);
  if (!stored) return std::move(stored).error();
  Result<std::string> changed = change(stored->text);
  if (!changed) return std::move(changed).error();
  stored->text = *std::move(changed);
  try {
    Write(path, *stored);
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what(), std::string(setting)};
  }
  return {};
}

}  // namespace forkcast::serving
