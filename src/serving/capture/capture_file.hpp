#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// A capture file that is written, and locked (flock(2)) as long as it is: who gets the lock knows
/// that nobody will write to it any more. Readers see whole lines: what a full disk lets through of
/// a line is cut off again.
class CaptureFile {
 public:
  /// Makes the file. `failed` is file_exists where there is one, which is left alone.
  CaptureFile(const std::filesystem::path& path, std::error_code& failed);

  struct Outcome {
    std::size_t kept = 0;   ///< Bytes of `lines` that are in the file: whole lines from the first.
    std::error_code error;  ///< Why it is not all of them.
  };
  /// Appends `lines`, each ending in a line feed, with one write(2). Not synced: a crash of the
  /// machine may lose lines.
  Outcome Append(std::string_view lines);

  /// Whether more can be appended: it was not deleted, and does not end in a torn line that could
  /// not be cut off.
  [[nodiscard]] bool is_usable() const noexcept;
  [[nodiscard]] bool is_deleted() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  Fd fd_;
  std::uint64_t size_ = 0;
  bool is_torn_ = false;
};

}  // namespace forkcast::serving
