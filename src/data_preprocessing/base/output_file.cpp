#include "data_preprocessing/base/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <span>
#include <system_error>

#include "data_preprocessing/base/descriptor_stream.hpp"

namespace forkcast {
namespace {

namespace fs = std::filesystem;

Error IoError(const std::string& name, int code) {
  std::string message = name;
  message.append(": ").append(std::generic_category().message(code));
  return {ErrorCode::kIo, std::move(message), name};
}

/// What a path leads to behind its symbolic links.
struct Destination {
  std::optional<int> descriptor{};  ///< One that this process has open.
  fs::path path{};                  ///< Else: no link, and perhaps not there.
};

/// The number N when `link` is /proc/OURSELVES/fd/N, to which /dev/stdout and /dev/fd/N lead.
std::optional<int> DescriptorOf(const fs::path& link) {
  std::error_code absent;
  const fs::path folder = fs::canonical(link.parent_path(), absent);
  if (absent || folder != fs::path("/proc") / std::to_string(::getpid()) / "fd") return {};
  const std::string name = link.filename().string();
  int number = -1;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failed != std::errc() || end != name.data() + name.size()) return {};
  return number;
}

Result<Destination> Follow(const fs::path& path) {
  if (path == "-") return Destination{.descriptor = STDOUT_FILENO};
  constexpr int kMostLinks = 40;  // as many as the kernel follows
  fs::path at = path;
  for (int i = 0; i < kMostLinks; ++i) {
    if (const auto descriptor = DescriptorOf(at)) return Destination{.descriptor = descriptor};
    std::error_code failed;
    if (!fs::is_symlink(fs::symlink_status(at, failed))) return Destination{.path = at};
    const fs::path target = fs::read_symlink(at, failed);
    if (failed) return IoError(path.string(), failed.value());
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  return IoError(path.string(), ELOOP);
}

/// Whether there is something at a path that is written to as it is: a device, a FIFO.
bool IsWrittenInPlace(const fs::path& path) {
  std::error_code absent;
  const fs::file_status status = fs::status(path, absent);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

/// The permissions of a file that is there, else those that a new one gets.
mode_t ModeOf(const fs::path& path) noexcept {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return info.st_mode & 07777U;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666U & ~mask;
}

/// Its temporary file is there when this succeeds.
Result<std::unique_ptr<AtomicFile>> OpenAtomic(const fs::path& path, const std::string& name) {
  // Renaming a file over a folder would be found out at the end.
  std::error_code absent;
  if (fs::is_directory(path, absent)) return IoError(name, EISDIR);
  if (!path.has_filename()) return IoError(name, ENOENT);
  try {
    auto file = std::make_unique<AtomicFile>(path);
    if (::chmod(file->temporary_path().c_str(), ModeOf(path)) != 0) return IoError(name, errno);
    return file;
  } catch (const std::system_error& error) {
    return IoError(name, error.code().value());
  }
}

/// A descriptor that this process has open, once more.
Result<Fd> Duplicate(int descriptor, const std::string& name) {
  Fd fd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!fd) return IoError(name, errno);
  return fd;
}

Result<Fd> OpenFor(const fs::path& path, int how, const std::string& name) {
  constexpr mode_t kAsUmaskSays = 0666;
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | how, kAsUmaskSays));
  if (!fd) return IoError(name, errno);
  return fd;
}

}  // namespace

Result<OutputFile> OutputFile::Open(const fs::path& path, std::ostream& standard_output) {
  const std::string name = path.string();
  Result<Destination> to = Follow(path);
  if (!to) return std::move(to).error();
  if (to->descriptor == STDOUT_FILENO) return OutputFile("standard output", standard_output);
  if (to->descriptor || IsWrittenInPlace(to->path)) {
    Result<Fd> fd = to->descriptor ? Duplicate(*to->descriptor, name) : OpenFor(to->path, 0, name);
    if (!fd) return std::move(fd).error();
    return OutputFile(name, *std::move(fd));
  }
  Result<std::unique_ptr<AtomicFile>> file = OpenAtomic(to->path, name);
  if (!file) return std::move(file).error();
  return OutputFile(name, *std::move(file));
}

Status OutputFile::Check(const fs::path& path) {
  const std::string name = path.string();
  const Result<Destination> to = Follow(path);
  if (!to) return to.error();
  if (to->descriptor) {
    const int flags = ::fcntl(*to->descriptor, F_GETFL);
    if (flags < 0) return IoError(name, errno);
    return (flags & O_ACCMODE) == O_RDONLY ? Status(IoError(name, EBADF)) : Status();
  }
  if (IsWrittenInPlace(to->path)) {
    return ::access(to->path.c_str(), W_OK) == 0 ? Status() : Status(IoError(name, errno));
  }
  const Result<std::unique_ptr<AtomicFile>> file = OpenAtomic(to->path, name);
  return file ? Status() : Status(file.error());
}

Result<Fd> OutputFile::OpenInPlace(const fs::path& path) {
  const std::string name = path.string();
  const Result<Destination> to = Follow(path);
  if (!to) return to.error();
  if (to->descriptor) return Duplicate(*to->descriptor, name);
  return OpenFor(to->path, O_CREAT | O_TRUNC, name);
}

bool OutputFile::WouldReplace(const std::filesystem::path& path,
                              const std::filesystem::path& input) {
  std::error_code not_there;
  return std::filesystem::equivalent(path, input, not_there) && !IsStream(path);
}

bool OutputFile::IsStream(const fs::path& path) {
  const Result<Destination> to = Follow(path);
  return to && (to->descriptor || IsWrittenInPlace(to->path));
}

bool OutputFile::IsStandardOutput(const fs::path& path) {
  const Result<Destination> to = Follow(path);
  return to && to->descriptor == STDOUT_FILENO;
}

Status OutputFile::Write(std::string_view text) {
  if (stream_ != nullptr) {
    *stream_ << text;
    return *stream_ ? Status() : Status(Error{ErrorCode::kIo, WhyNotWritten(*stream_), name_});
  }
  if (file_ == nullptr) {
    const int failed = WriteAll(fd_.get(), text);
    return failed == 0 ? Status() : Status(IoError(name_, failed));
  }
  try {
    file_->Write(text);
    return {};
  } catch (const std::system_error& error) {
    return IoError(name_, error.code().value());
  }
}

Status OutputFile::WriteAt(std::size_t offset, std::string_view text) {
  try {
    file_->WriteAt(offset, std::as_bytes(std::span(text)));
    return {};
  } catch (const std::system_error& error) {
    return IoError(name_, error.code().value());
  }
}

Status OutputFile::Finish() {
  if (stream_ != nullptr) {
    stream_->flush();
    return *stream_ ? Status() : Status(Error{ErrorCode::kIo, WhyNotWritten(*stream_), name_});
  }
  if (file_ == nullptr) {
    return ::close(fd_.Release()) == 0 ? Status() : Status(IoError(name_, errno));
  }
  try {
    file_->Commit();
    return {};
  } catch (const std::system_error& error) {
    return IoError(name_, error.code().value());
  }
}

fs::path InputPath(const fs::path& path) { return path == "-" ? "/dev/stdin" : path; }

Status WriteOutput(const fs::path& path, std::string_view text, std::ostream& standard_output) {
  Result<OutputFile> file = OutputFile::Open(path, standard_output);
  if (!file) return std::move(file).error();
  Status written = file->Write(text);
  return written ? file->Finish() : written;
}

}  // namespace forkcast
