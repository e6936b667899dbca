#include "client/result_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace forkcast::client {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{1} << 18;

Error IoError(const std::string& name, std::string_view what, int code) {
  return {ErrorCode::kIo, name + ": " + std::string(what) + ": " + std::strerror(code), name};
}

}  // namespace

Result<ResultFile> ResultFile::Create(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return IoError(path.string(), "cannot be created", errno);
  return ResultFile(std::move(fd), path.string());
}

Status ResultFile::Append(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kFlushBytes ? Status() : Flush();
}

Status ResultFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return IoError(name_, "cannot be written", errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Status ResultFile::Close() {
  const Status flushed = Flush();
  if (!flushed) return flushed;
  if (::close(fd_.Release()) != 0) return IoError(name_, "cannot be written", errno);
  return {};
}

}  // namespace forkcast::client
