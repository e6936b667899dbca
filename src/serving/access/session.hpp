#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"

namespace forkcast::serving {

/// By which sessions are signed: whoever has it is whom he wants to be. It never leaves memory.
using SessionKey = std::array<std::uint8_t, 32>;

/// That somebody has logged in. The browser keeps it, signed; the server only which ended before
/// their time (EndedSessions). Its times are those since the machine was started, so that nobody
/// gains or loses any when the clock is set.
struct Session {
  std::uint64_t id = 0;     ///< By chance.
  std::uint64_t stamp = 0;  ///< User::stamp, when it began.
  MonotonicTime begun{};
  MonotonicTime renewed{};  ///< When the browser was last given it.
  std::string user{};

  friend bool operator==(const Session&, const Session&) = default;
};

/// As a cookie's value: what it holds, and HMAC-SHA256 of that, in base64url.
[[nodiscard]] std::string Seal(const Session& session, const SessionKey& key);
/// None for what Seal() has not made with this key.
[[nodiscard]] std::optional<Session> Unseal(std::string_view text, const SessionKey& key);

/// What a page has to show beside the cookie when it changes something: a page of another site's
/// cannot read it. The same as long as the session lives.
[[nodiscard]] std::string CsrfTokenOf(const Session& session, const SessionKey& key);

/// Whether two texts are the same, in a time that depends on their lengths alone.
[[nodiscard]] bool AreSame(std::string_view a, std::string_view b) noexcept;

}  // namespace forkcast::serving
