#pragma once

#include <filesystem>
#include <string>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// A copy of what can be read only once, in a temporary file that has no name and so is gone with
/// the process, however that ends. It lies where TMPDIR says, else in /tmp.
class SpooledFile {
 public:
  /// Reads all that `from` gives, which messages call `name`. kIo when it cannot be read or there
  /// is no room for it.
  static Result<SpooledFile> Copy(const std::filesystem::path& from, const std::string& name);

  /// Opens the copy from its start, as often as one likes, as long as the object lives.
  [[nodiscard]] std::filesystem::path path() const;

 private:
  explicit SpooledFile(Fd fd) noexcept : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace forkcast::preprocessing
