#pragma once

#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/access/bearer.hpp"

namespace forkcast::serving {

/// Whether a request came over TLS, as far as we know.
enum class Channel { kPlain, kTls };

/// What the session's cookie is called. Over TLS browsers take one of that name from nobody but the
/// host itself, and over TLS (RFC 6265bis, 4.1.3.2): no neighbour below the same domain can put
/// another one in its place.
[[nodiscard]] std::string_view SessionCookieName(Channel channel) noexcept;

/// The value of the cookie `name` in the header Cookie (RFC 6265, 4.2); empty when it is not there.
/// kMalformed when the header or the cookie was given several times, which two programs read
/// differently. Messages do not repeat what was sent.
[[nodiscard]] Result<std::string_view> FindCookie(SentField cookie, std::string_view name);

/// The value of a header Set-Cookie that gives the session to the browser, until that is closed: no
/// script reads it, no other site's page sends it.
[[nodiscard]] std::string SetSessionCookie(std::string_view value, Channel channel);
/// The same that takes it away.
[[nodiscard]] std::string ClearSessionCookie(Channel channel);

}  // namespace forkcast::serving
