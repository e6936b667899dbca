#include "data_preprocessing/base/file_identity.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace forkcast {
namespace {

std::int64_t Nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileIdentity FileIdentity::At(const std::filesystem::path& path) {
  FileIdentity identity;
  std::error_code no_link;  // it is no symbolic link, or what is wrong is told below
  identity.link = std::filesystem::read_symlink(path, no_link).string();
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    identity.error = errno;
    return identity;
  }
  identity.device = info.st_dev;
  identity.number = info.st_ino;
  identity.size = info.st_size;
  identity.modified_ns = Nanoseconds(info.st_mtim);
  identity.changed_ns = Nanoseconds(info.st_ctim);
  return identity;
}

std::vector<SeenFile> LookAt(std::span<const std::filesystem::path> paths) {
  std::vector<SeenFile> seen;
  seen.reserve(paths.size());
  for (const std::filesystem::path& path : paths) {
    seen.push_back({.path = path, .identity = FileIdentity::At(path)});
  }
  return seen;
}

}  // namespace forkcast
