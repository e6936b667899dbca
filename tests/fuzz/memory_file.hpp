#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"
#include "fuzz/require.hpp"

namespace forkcast::fuzz {

/// A file of given bytes for a reader that wants a path; it is in memory, so that a fuzzer is not
/// as slow as the disk. The path leads nowhere once the object has ended.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    Require(::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(fd_.get());
  }

 private:
  Fd fd_;
};

}  // namespace forkcast::fuzz
