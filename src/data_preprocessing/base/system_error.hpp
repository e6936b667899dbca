#pragma once

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace forkcast {

/// What errno says.
[[nodiscard]] inline std::error_code LastError() noexcept {
  return {errno, std::generic_category()};
}

/// Throws that, and which file it is about.
[[noreturn]] inline void ThrowErrno(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

}  // namespace forkcast
