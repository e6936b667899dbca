#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <system_error>

namespace forkcast::serving {

/// Makes gzip files of full capture files, one after the other, a piece at a time, so that whoever
/// does it has its other work between: FILE.jsonl becomes FILE.jsonl.gz, which is there under that
/// name only when it is whole and on the disk. Not thread-safe.
class CapturePacker {
 public:
  CapturePacker();
  CapturePacker(const CapturePacker&) = delete;
  CapturePacker& operator=(const CapturePacker&) = delete;
  /// What is not packed yet stays as it is.
  ~CapturePacker();

  void Add(std::filesystem::path full);
  /// Packs a piece, about a millisecond of it. False when nothing is left to do. A file that cannot
  /// be packed is left as it is.
  bool Work();
  [[nodiscard]] bool is_idle() const noexcept { return current_ == nullptr && waiting_.empty(); }
  /// Why one could not be packed, since the last call.
  [[nodiscard]] std::error_code TakeError() noexcept;

 private:
  class Packing;

  std::deque<std::filesystem::path> waiting_;
  std::unique_ptr<Packing> current_;
  std::error_code error_;
};

}  // namespace forkcast::serving
