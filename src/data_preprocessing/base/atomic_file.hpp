#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast {

/// Writes a file whole or not at all: bytes go to a temporary file beside `path`, and Commit()
/// syncs it, renames it over `path` and syncs the directory. Destroyed without Commit(), it leaves
/// `path` as it was and removes the temporary file. Not thread-safe.
class AtomicFile {
 public:
  /// Throws std::system_error naming the path when the temporary file cannot be created.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Throws std::system_error (ENOSPC and the like); the object can then only be
  /// destroyed.
  void Write(std::span<const std::byte> bytes);
  void Write(std::string_view text) { Write(std::as_bytes(std::span(text))); }
  /// Overwrites bytes already written, at `offset`. Throws as Write() does.
  void WriteAt(std::size_t offset, std::span<const std::byte> bytes);
  /// Where the bytes are until Commit(), for a check before it.
  [[nodiscard]] const std::filesystem::path& temporary_path() const noexcept { return temporary_; }
  /// Makes the file visible under its name. Throws std::system_error; `path` is then as before.
  void Commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Fd fd_;
};

}  // namespace forkcast
