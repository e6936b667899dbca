#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast {

/// Where a user wants a result to go, whatever the path names:
///   `-`, `/dev/stdout` and other names of descriptor 1: the stream given as standard output;
///   another open descriptor (`/dev/fd/3`, which is what `>(gzip)` of a shell becomes): that one;
///   a device or a FIFO: opened for writing, never replaced;
///   a file, or a symbolic link to one, even if it is not there yet: as an AtomicFile beside the
///   file, so that links stay links, and the file is whole or as it was before. It keeps its
///   permissions.
/// Errors are kIo and begin with the path. Not thread-safe.
class OutputFile {
 public:
  /// Waits for a reader when `path` is a FIFO. `standard_output` outlives the object.
  static Result<OutputFile> Open(const std::filesystem::path& path, std::ostream& standard_output);
  /// That Open() would do, before the work that makes what is to be written; leaves nothing behind.
  static Status Check(const std::filesystem::path& path);
  /// A descriptor of what Open() would open, but of a file itself, which is emptied: for what is
  /// to be followed while it is written, and kept when the writer dies.
  static Result<Fd> OpenInPlace(const std::filesystem::path& path);
  /// Whether the path is one of standard output's.
  static bool IsStandardOutput(const std::filesystem::path& path);
  /// Whether there is something at the path that bytes go through and no file: its name says
  /// nothing of their form.
  static bool IsStream(const std::filesystem::path& path);
  /// Whether what is written there would take the place of `input`, which is read.
  static bool WouldReplace(const std::filesystem::path& path, const std::filesystem::path& input);

  Status Write(std::string_view text);
  /// Overwrites what was written at `offset`. Precondition: the path is no stream (IsStream()).
  Status WriteAt(std::size_t offset, std::string_view text);
  /// All is written: the file is there from now on. Without it a file is as it was before.
  Status Finish();

 private:
  OutputFile(std::string name, std::ostream& stream) : name_(std::move(name)), stream_(&stream) {}
  OutputFile(std::string name, Fd fd) : name_(std::move(name)), fd_(std::move(fd)) {}
  OutputFile(std::string name, std::unique_ptr<AtomicFile> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  std::string name_;  ///< As the user calls it.
  std::ostream* stream_ = nullptr;
  Fd fd_;
  std::unique_ptr<AtomicFile> file_;
};

/// The path under which a file that a user names is read: `-` is standard input.
[[nodiscard]] std::filesystem::path InputPath(const std::filesystem::path& path);

/// Opens `path`, writes `text` and finishes.
Status WriteOutput(const std::filesystem::path& path, std::string_view text,
                   std::ostream& standard_output);

}  // namespace forkcast
