#include "data_preprocessing/source/spooled_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

namespace forkcast::preprocessing {
namespace {

Error Failed(const std::string& name, std::string_view what) {
  return {ErrorCode::kIo, fmt::format("{}: {}: {}", name, what, std::strerror(errno))};
}

Status WriteAll(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(name, "its copy in a temporary file cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<SpooledFile> SpooledFile::Copy(const std::filesystem::path& from, const std::string& name) {
  const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return Failed(name, "cannot be opened");
  std::error_code no_folder;
  std::string pattern =
      (std::filesystem::temp_directory_path(no_folder) / "forkcast-XXXXXX").string();
  Fd out(::mkostemp(pattern.data(), O_CLOEXEC));
  if (out.get() < 0) return Failed(name, "its copy in a temporary file cannot be created");
  ::unlink(pattern.c_str());
  std::vector<char> buffer(std::size_t{1} << 18);
  while (true) {
    const ssize_t count = ::read(in.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(name, "cannot be read");
    if (count == 0) return SpooledFile(std::move(out));
    const Status written =
        WriteAll(out.get(), {buffer.data(), static_cast<std::size_t>(count)}, name);
    if (!written) return written.error();
  }
}

std::filesystem::path SpooledFile::path() const {
  return fmt::format("/proc/self/fd/{}", fd_.get());
}

}  // namespace forkcast::preprocessing
