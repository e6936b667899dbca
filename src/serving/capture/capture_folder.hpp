#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/capture/capture_rules.hpp"

namespace forkcast::serving {

/// Requests may hold personal data: nothing for others.
inline constexpr unsigned kCaptureFileMode = 0640;

/// A file of a recorder in the folder of a target.
struct StoredCapture {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  Instant written;  ///< The last time.

  friend bool operator==(const StoredCapture&, const StoredCapture&) = default;
};

/// The files that recorders, this one or others, have below `folder` (FORMAT.md), oldest first.
/// Anything else there is left alone. What cannot be read is not listed.
[[nodiscard]] std::vector<StoredCapture> CapturesIn(const std::filesystem::path& folder);

/// How many of the oldest files have to go so that `rules` hold, when `more_files` of
/// `more_bytes` together are to have room beside them.
[[nodiscard]] std::size_t CapturesOverLimit(std::span<const StoredCapture> oldest_first,
                                            const CaptureFileRules& rules, std::size_t more_files,
                                            std::uint64_t more_bytes, Instant now);

/// The file, open for reading and writing, once no process has it open to write: the lock on it is
/// ours as long as the descriptor is open. None: it is in use, or cannot be opened.
[[nodiscard]] Fd OpenUnusedCapture(const std::filesystem::path& path);

/// Removes a file that is not in use, and the folders of hours, days and so on below `folder` that
/// are empty then. False: it is still there.
bool RemoveCapture(const std::filesystem::path& path, const std::filesystem::path& folder);

/// A line that a recorder had begun when it was killed.
struct TornLine {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// What of earlier recorders needs no more than tidying.
struct RepairedFolder {
  std::vector<TornLine> torn;                   ///< Cut off.
  std::vector<std::filesystem::path> unpacked;  ///< Full files that are no gzip.
};

/// Tidies what recorders left that are gone: cuts off torn lines, removes what they had begun to
/// pack, and the unpacked one of a file that is packed. Files in use are left alone.
RepairedFolder RepairCaptures(const std::filesystem::path& folder);

/// How much of the disk that `folder`, or the nearest folder above it, is on is used: 0 to 1, as
/// df(1) has it. 0 when nobody can tell.
[[nodiscard]] double UsedDiskShare(const std::filesystem::path& folder);

/// Whether files can be made in a folder, which need not exist, or below it, as far as permissions
/// say; makes none.
[[nodiscard]] std::error_code TryFolder(const std::filesystem::path& folder);

}  // namespace forkcast::serving
