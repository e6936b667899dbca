#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace forkcast {

/// One file mapped read-only and shared, so that processes that map the same file share its pages.
/// Move-only; the mapping ends with the object, and views into it with the mapping. The file may
/// be renamed over meanwhile: the mapping keeps the old contents.
class MappedFile {
 public:
  /// Throws std::system_error naming `path` when it cannot be opened or mapped. An empty file maps
  /// to an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// After a file was read whole to verify it: its pages count no longer as this process's memory,
  /// only those that are read again do. They stay in the page cache, where they are found again.
  void DropPages() const noexcept { DropPages(bytes_); }
  /// The same for a part of bytes(): all pages that it touches.
  void DropPages(std::span<const std::byte> part) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace forkcast
