#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/access.hpp"

namespace forkcast::serving {

/// SHA-256 of what a caller shows. A secret of 256 random bits cannot be guessed from it, so it
/// needs no salt and no slow hash, as passwords do.
using TokenHash = std::array<std::uint8_t, 32>;

/// What the server knows of a secret that was given to somebody.
struct Token {
  enum class State : std::uint8_t { kValid, kExpired, kRevoked };

  std::string name;  ///< Whom the audit log names; no two that are valid share one.
  Role role = Role::kViewer;
  TokenHash hash{};
  Instant created{};
  std::optional<Instant> expires{};  ///< None: never.
  std::optional<Instant> revoked{};

  [[nodiscard]] State StateAt(Instant now) const noexcept;

  friend bool operator==(const Token&, const Token&) = default;
};

[[nodiscard]] std::string_view WordFor(Token::State state) noexcept;

constexpr std::size_t kMostTokenName = 64;

/// A secret that nobody has: `forkcast_`, by which scanners of code find one that got there, and
/// 256 bits of the kernel's, in base64url. Throws std::system_error.
[[nodiscard]] std::string NewSecret();

[[nodiscard]] TokenHash HashOf(std::string_view secret) noexcept;

/// The token whose secret this is; null for none. Looks at all of them in the same time, whether
/// and where there is one.
[[nodiscard]] const Token* FindToken(std::span<const Token> tokens,
                                     std::string_view secret) noexcept;

}  // namespace forkcast::serving
