#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

// Passwords are kept as Argon2id (RFC 9106) makes them: it takes 64 MiB and some 100 ms a try, so
// that whoever gets the file can try few. Whoever can ask the server could have it spend as much:
// tries are limited (LoginAttempts), and made beside the worker's loop (PasswordChecker).

/// Of a hash, while it is made.
constexpr std::size_t kPasswordMemory = std::size_t{64} << 20;
constexpr std::size_t kLeastPassword = 12;   ///< Characters (NIST SP 800-63B, ASVS 2.1.1).
constexpr std::size_t kMostPassword = 1024;  ///< Bytes.

/// Whether `name` may have it: long enough, UTF-8 without control characters, and neither its own
/// name nor one character again and again. kInvalidArgument says what was expected.
[[nodiscard]] Status CheckNewPassword(std::string_view name, std::string_view password);

/// What is kept of it: `$argon2id$...`, with a salt of its own. kInternal when there is no memory.
[[nodiscard]] Result<std::string> HashOfPassword(std::string_view password);

/// Whether a text is one that HashOfPassword() made: with other costs it would take another time,
/// and tell who is known.
[[nodiscard]] bool IsPasswordHash(std::string_view text) noexcept;

/// Whether it is the password of the hash. Takes as long whether it is or not. kNotReady when there
/// is no memory.
[[nodiscard]] Result<bool> IsPassword(const std::string& hash, std::string_view password);

/// A hash of nobody's: what is tried of a name that there is not, so that it takes as long.
[[nodiscard]] std::string_view NobodysHash() noexcept;

/// Overwrites a secret that is not needed any more.
void Forget(std::string& secret) noexcept;

}  // namespace forkcast::serving
