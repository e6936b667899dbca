#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/privileges.hpp"

namespace forkcast::serving {

/// Where a log's lines go: a file that all workers append to, or standard output. Each line is one
/// write, so that lines of several processes do not mix. Never waits for a reader: a line that is
/// not taken is lost and counted (LogOutput). Move-only; not thread-safe.
class LogFile {
 public:
  struct Options {
    std::filesystem::path path = "-";  ///< "-": standard output.
    std::string setting{};             ///< That says so, for errors.
    mode_t mode = 0644;                ///< Of a file that is made, less the umask.
    std::optional<Identity> owner{};   ///< To whom the file is given then.
  };

  /// kIo naming the path when it cannot be written to. `losses` outlives the log.
  static Result<LogFile> Open(const Options& options, LogLosses& losses);

  /// Opens the file's path anew, as whoever moves full files away wants. On an error lines go on
  /// into the file that was open. Standard output stays what it is.
  Status Reopen();

  /// A line with its line feed. Precondition: at most LogOutput::kMostBytes.
  void Write(std::string_view line) noexcept {
    if (!output_.Write(line)) ++lost_;
  }
  /// That there was no memory for a line.
  void CountLost() noexcept { ++lost_; }

  /// Lines that this process has lost since the last call.
  [[nodiscard]] std::uint64_t TakeLost() noexcept { return std::exchange(lost_, 0); }

 private:
  LogFile(Options options, LogLosses& losses)
      : options_(std::move(options)), losses_(losses), output_(Fd(), losses) {}

  Options options_;  // its path absolute
  std::reference_wrapper<LogLosses> losses_;
  LogOutput output_;
  std::uint64_t lost_ = 0;
};

}  // namespace forkcast::serving
