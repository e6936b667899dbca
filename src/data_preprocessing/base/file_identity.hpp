#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace forkcast {

/// What stands under a path, as far as the system tells it without opening anything: equal as long
/// as it is the same file or folder with the same contents. What is published by a rename, or an
/// alias that becomes another symbolic link, is another; so is a file that was written to, whatever
/// was done to its time of modification, since the time of its last change cannot be set.
struct FileIdentity {
  std::string
      link{};     ///< Target of a symbolic link; empty: it is none. The rest is of where it leads.
  int error = 0;  ///< errno, when it cannot be looked at; the rest is 0 then.
  std::uint64_t device = 0;
  std::uint64_t number = 0;  ///< Of the inode.
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;  ///< Since 1970.
  std::int64_t changed_ns = 0;   ///< Contents or rights; since 1970.

  /// Blocks as long as the file system does.
  [[nodiscard]] static FileIdentity At(const std::filesystem::path& path);

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// What stood under a path when it was looked at.
struct SeenFile {
  std::filesystem::path path;
  FileIdentity identity;

  friend bool operator==(const SeenFile&, const SeenFile&) = default;
};

/// Looks at all of them, one after the other.
[[nodiscard]] std::vector<SeenFile> LookAt(std::span<const std::filesystem::path> paths);

}  // namespace forkcast
