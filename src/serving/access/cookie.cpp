#include "serving/access/cookie.hpp"

#include <algorithm>
#include <optional>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

/// Takes the first pair off a list of cookies.
std::string_view TakePair(std::string_view& list) noexcept {
  const std::size_t end = std::min(list.find(';'), list.size());
  const std::string_view pair = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return Trimmed(pair);
}

Error Twice(std::string message) { return {ErrorCode::kMalformed, std::move(message), "Cookie"}; }

std::string WithAttributes(std::string_view value, std::string_view more, Channel channel) {
  std::string text(SessionCookieName(channel));
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict").append(more);
  if (channel == Channel::kTls) text += "; Secure";
  return text;
}

}  // namespace

std::string_view SessionCookieName(Channel channel) noexcept {
  constexpr std::string_view kOverTls = "__Host-forkcast_session";
  return channel == Channel::kTls ? kOverTls : kOverTls.substr(std::string_view("__Host-").size());
}

Result<std::string_view> FindCookie(SentField cookie, std::string_view name) {
  if (cookie.count > 1) return Twice("expected the header once");
  std::optional<std::string_view> found;
  std::string_view rest = cookie.value;
  while (!rest.empty()) {
    const std::string_view pair = TakePair(rest);
    const std::size_t sign = pair.find('=');
    if (sign == std::string_view::npos || Trimmed(pair.substr(0, sign)) != name) continue;
    if (found) return Twice("the session's cookie was given twice");
    found = Trimmed(pair.substr(sign + 1));
  }
  return found.value_or(std::string_view());
}

std::string SetSessionCookie(std::string_view value, Channel channel) {
  return WithAttributes(value, {}, channel);
}

std::string ClearSessionCookie(Channel channel) {
  return WithAttributes({}, "; Max-Age=0", channel);
}

}  // namespace forkcast::serving
