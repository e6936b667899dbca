#include "serving/access/allowed_hosts.hpp"

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kBelow = "*.";

struct Host {
  std::string_view name;  ///< Of an IPv6 address with its brackets.
  std::string_view port;
};

Host Split(std::string_view host) noexcept {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {.name = host, .port = {}};
  return {.name = host.substr(0, colon), .port = host.substr(colon + 1)};
}

/// A name with a dot at its end is the same one.
std::string_view WithoutRootDot(std::string_view name) noexcept {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool EndsWith(std::string_view name, std::string_view end) noexcept {
  return name.size() > end.size() && EqualsIgnoringCase(name.substr(name.size() - end.size()), end);
}

bool Matches(std::string_view rule, const Host& host) noexcept {
  const auto [name, port] = Split(rule);
  if (!port.empty() && port != host.port) return false;
  if (name.starts_with(kBelow)) return EndsWith(host.name, name.substr(1));
  return EqualsIgnoringCase(name, host.name);
}

bool IsOfName(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool IsOfAddress(char c) noexcept {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool IsName(std::string_view name) noexcept {
  if (name.starts_with('[')) {
    return name.size() > 2 && name.ends_with(']') &&
           std::ranges::all_of(name.substr(1, name.size() - 2), IsOfAddress);
  }
  if (name.starts_with(kBelow)) name.remove_prefix(kBelow.size());
  return !name.empty() && !name.starts_with('.') && std::ranges::all_of(name, IsOfName);
}

bool IsPort(std::string_view port) noexcept {
  constexpr std::size_t kMostDigits = 5;
  return port.size() <= kMostDigits &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<std::string> ParseAllowedHost(std::string_view text) {
  std::string host(text);
  std::ranges::transform(host, host.begin(), Lower);
  const auto [name, port] = Split(host);
  if (IsName(name) && IsPort(port) && !host.ends_with(':')) return host;
  return Error{ErrorCode::kInvalidArgument,
               "expected a name such as forecasts.example, with a port or without, *.example for "
               "all below it, or [IPV6]"};
}

bool IsAllowedHost(std::span<const std::string> allowed, std::string_view host) noexcept {
  Host asked = Split(host);
  asked.name = WithoutRootDot(asked.name);
  return std::ranges::any_of(allowed,
                             [&asked](std::string_view rule) { return Matches(rule, asked); });
}

}  // namespace forkcast::serving
