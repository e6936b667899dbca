#pragma once

#include <sys/types.h>

#include <filesystem>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// The file that names the process which serves. Locked as long as that process lives, so that
/// neither a file that a killed server left nor a number that another process got by now is taken
/// for a running server. Move-only.
///
/// A forked child holds the lock, too, until it ends its copy of the object; it is to do so at
/// once. The end of the object removes the file only in the process that made it, and only while
/// the file there is still its own.
class PidFile {
 public:
  /// Makes the file, or takes over what a dead server left, and writes this process's number into
  /// it. Readable by all (0644). Replaces its content in place: a reader finds the old number or
  /// the new one. kConflict, naming the number in the file, while another process holds it; kIo
  /// when it cannot be had, or holds something that no server wrote, which is not touched.
  static Result<PidFile> Open(const std::filesystem::path& path, mode_t mode = 0644);

  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&& other) noexcept;
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile() { Close(); }

  /// Gives the file another path, in one step, whoever holds what is there: for a successor, whose
  /// predecessor is leaving. That one then leaves the path alone. The lock is kept throughout. kIo
  /// when it cannot be done; the file then stays where it is.
  Status MoveTo(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  PidFile() = default;
  void Close() noexcept;

  Fd fd_;
  std::filesystem::path path_;  ///< Absolute; the working directory may change.
  pid_t owner_ = 0;
};

}  // namespace forkcast::serving
