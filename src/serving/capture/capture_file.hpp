#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

using UtcHour = std::chrono::sys_time<std::chrono::hours>;

/// The capture file of one target and of the hour at hand: FOLDER/yyyy/mm/dd/hh/STEM.jsonl. Readers
/// see whole lines: what a full disk lets through of a line is cut off again. Nothing is kept of a
/// failure: the next Append() opens, makes folders and writes as if for the first time. Nobody else
/// may write files of this stem.
class CaptureFile {
 public:
  CaptureFile(std::filesystem::path folder, std::string stem);

  struct Outcome {
    std::size_t kept = 0;   ///< Bytes of `lines` that are in the file: whole lines from the first.
    std::error_code error;  ///< Why it is not all of them.
  };
  /// Appends `lines`, each ending in a line feed, to the file of `hour` with one write(2). A file
  /// that was deleted meanwhile is made again. Not synced: a crash of the machine may lose lines.
  Outcome Append(UtcHour hour, std::string_view lines);

  /// Where lines of `hour` go.
  [[nodiscard]] std::filesystem::path PathOf(UtcHour hour) const;

 private:
  [[nodiscard]] std::error_code Open(UtcHour hour);

  std::filesystem::path folder_;
  std::string stem_;
  UtcHour hour_{};  // of fd_
  Fd fd_;
};

/// Whether files can be made in a folder, which need not exist, or below it, as far as permissions
/// say; makes none.
[[nodiscard]] std::error_code TryFolder(const std::filesystem::path& folder);

}  // namespace forkcast::serving
