#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// What a file holds, read again whenever it is another one than before, which costs a stat(2) to
/// see. While it cannot be read it holds nothing: whoever was in it is let in no more. Not
/// thread-safe.
template <typename T>
class WatchedFile {
 public:
  using Reader = Result<T> (*)(const std::filesystem::path& path);
  enum class Look : std::uint8_t {
    kSame,
    kNew,         ///< It was read.
    kUnreadable,  ///< error() says why; tried again with each look.
  };

  WatchedFile(std::filesystem::path path, Reader read) : path_(std::move(path)), read_(read) {}

  Look LookAgain() {
    const std::optional<Version> now = VersionOf(path_);
    if (is_good_ && now == seen_) return Look::kSame;
    Result<T> contents = read_(path_);
    is_good_ = static_cast<bool>(contents);
    seen_ = now;
    if (!is_good_) {
      contents_ = T();
      error_ = std::move(contents).error();
      return Look::kUnreadable;
    }
    contents_ = *std::move(contents);
    return Look::kNew;
  }

  /// As of the last look.
  [[nodiscard]] const T& contents() const noexcept { return contents_; }
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  /// What tells one content of the file from another.
  struct Version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };

  static std::optional<Version> VersionOf(const std::filesystem::path& path) noexcept {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    constexpr std::int64_t kNsInASecond = 1'000'000'000;
    return Version{.device = status.st_dev,
                   .inode = status.st_ino,
                   .size = status.st_size,
                   .changed_ns = status.st_ctim.tv_sec * kNsInASecond + status.st_ctim.tv_nsec};
  }

  std::filesystem::path path_;
  Reader read_;
  std::optional<Version> seen_;
  bool is_good_ = false;
  T contents_{};
  Error error_;
};

}  // namespace forkcast::serving
