#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

namespace forkcast::bench {

enum class Compression { kNone, kGzip };

/// A text file written from front to end; plain, or gzip with ".gz" after its name. Throws when a
/// write fails.
class TextFile {
 public:
  TextFile(std::filesystem::path path, Compression compression) : path_(std::move(path)) {
    if (compression == Compression::kGzip) {
      path_ += ".gz";
    }
    file_ = ::gzopen(path_.c_str(), compression == Compression::kGzip
                                        ? "wb"
                                        : "wbT");  // T: as it is, no gzip around it
    if (file_ == nullptr) {
      throw std::runtime_error(path_.string() + ": cannot be created");
    }
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() {
    if (file_ != nullptr) {
      ::gzclose(file_);
    }
  }

  template <typename... Values>
  void Line(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(pending_), format, std::forward<Values>(values)...);
    pending_ += '\n';
    if (pending_.size() >= kFlushAt) {
      Flush();
    }
  }

  /// Everything is in the file when this returns.
  void Close() {
    Flush();
    if (::gzclose(std::exchange(file_, nullptr)) != Z_OK) {
      throw std::runtime_error(path_.string() + ": cannot be written");
    }
  }

 private:
  static constexpr std::size_t kFlushAt = 1U << 16U;

  void Flush() {
    if (!pending_.empty() &&
        ::gzwrite(file_, pending_.data(), static_cast<unsigned>(pending_.size())) == 0) {
      throw std::runtime_error(path_.string() + ": cannot be written");
    }
    pending_.clear();
  }

  std::filesystem::path path_;
  gzFile file_ = nullptr;
  std::string pending_;
};

}  // namespace forkcast::bench
