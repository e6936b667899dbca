#include "client/result_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "data_preprocessing/base/descriptor_stream.hpp"
#include "data_preprocessing/base/output_file.hpp"

namespace forkcast::client {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{1} << 18;

Error IoError(const std::string& name, std::string_view what, int code) {
  return {ErrorCode::kIo, name + ": " + std::string(what) + ": " + std::strerror(code), name};
}

}  // namespace

Result<ResultFile> ResultFile::Create(const std::filesystem::path& path) {
  Result<Fd> fd = OutputFile::OpenInPlace(path);
  if (!fd) return std::move(fd).error();
  return ResultFile(*std::move(fd), path.string());
}

Status ResultFile::Append(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kFlushBytes ? Status() : Flush();
}

Status ResultFile::Flush() {
  const int failed = WriteAll(fd_.get(), buffer_);
  buffer_.clear();
  return failed == 0 ? Status() : Status(IoError(name_, "cannot be written", failed));
}

Status ResultFile::Close() {
  const Status flushed = Flush();
  if (!flushed) return flushed;
  if (::close(fd_.Release()) != 0) return IoError(name_, "cannot be written", errno);
  return {};
}

}  // namespace forkcast::client
