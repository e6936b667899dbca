#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/capture/capture_file.hpp"
#include "serving/capture/capture_folder.hpp"
#include "serving/capture/capture_packer.hpp"
#include "serving/capture/capture_rules.hpp"

namespace forkcast::serving {

using UtcHour = std::chrono::sys_time<std::chrono::hours>;

/// The capture files of one target: FOLDER/yyyy/mm/dd/hh/STEM.jsonl, STEM-2.jsonl, and so on. A
/// file is full when the rules say so or its hour is over; two hours are open at most, since
/// requests of one end in the next. Before a file is begun, the oldest ones go until there is room
/// for a whole one. Nothing is kept of a failure: the next Append() opens, makes folders and writes
/// as if for the first time. Not thread-safe.
class CaptureFiles {
 public:
  /// Nobody else may write files of this stem. `clock` outlives this.
  CaptureFiles(std::filesystem::path folder, std::string stem, CaptureFileRules rules,
               const Clock& clock);

  /// Tidies behind recorders that are gone. Returns what they left torn.
  std::vector<TornLine> Repair();

  /// New rules; what is full already stays so.
  void Obey(CaptureFileRules rules) { rules_ = rules; }

  struct Outcome {
    std::size_t kept = 0;   ///< Lines that are in a file.
    std::size_t lost = 0;   ///< The others.
    std::error_code error;  ///< Why, of the last of them.
  };
  /// Appends `lines`, each ending in a line feed, to files of `hour`. A file that was deleted
  /// meanwhile is made again. A line that is longer than a file may be is lost, and so is
  /// everything while the disk is fuller than it may be and none of the files can go.
  Outcome Append(UtcHour hour, std::string_view lines);

  /// Closes files that are full by now, and removes those that are too old. To be called every
  /// second or so.
  void Tick();
  /// Packs a piece of a full file. False when nothing is left to pack.
  bool Pack() { return packer_.Work(); }
  /// Why a file could not be packed, since the last call.
  [[nodiscard]] std::error_code TakePackError() noexcept { return packer_.TakeError(); }

  /// Where lines of `hour` go, or would go, now.
  [[nodiscard]] std::filesystem::path PathOf(UtcHour hour) const;

 private:
  struct Open {
    CaptureFile file;
    MonotonicTime since;
  };
  using OpenFiles = std::map<UtcHour, Open>;

  /// The open file of `hour`; null when there is none to be had.
  CaptureFile* FileOf(UtcHour hour, std::error_code& failed);
  [[nodiscard]] std::uint64_t MaxFileBytes() const noexcept;
  /// Closes it, and begins with the next part behind it.
  OpenFiles::iterator Close(OpenFiles::iterator open);
  /// Removes the oldest files until the rules hold, `more_files` in mind.
  void Trim(std::size_t more_files);
  /// Whether the disk has room, for which the oldest files may have gone.
  bool HasDisk();

  std::filesystem::path folder_;
  std::string stem_;
  CaptureFileRules rules_;
  const Clock& clock_;
  OpenFiles open_;
  std::map<UtcHour, std::size_t> parts_;  // the number of the file at hand; those of few hours
  CapturePacker packer_;
  MonotonicTime next_trim_ = MonotonicTime::min();
  MonotonicTime next_disk_search_ = MonotonicTime::min();
};

}  // namespace forkcast::serving
