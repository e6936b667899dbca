#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/access.hpp"

namespace forkcast::serving {

/// Somebody who logs in by a password.
struct User {
  std::string name{};
  Role role = Role::kViewer;
  std::string password{};  ///< HashOfPassword().
  /// Changes, by chance, with password and role, and when all sessions are to end: each is good as
  /// long as its user's stamp is the one that it began with.
  std::uint64_t stamp = 0;
  Instant created{};
  Instant changed{};  ///< When the stamp was.

  friend bool operator==(const User&, const User&) = default;
};

constexpr std::size_t kMostUserName = 64;

/// By chance, never 0. Throws std::system_error.
[[nodiscard]] std::uint64_t NewStamp();

/// Null for none.
[[nodiscard]] const User* FindUser(std::span<const User> users, std::string_view name) noexcept;

}  // namespace forkcast::serving
