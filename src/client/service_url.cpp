#include "client/service_url.hpp"

#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::client {
namespace {

constexpr std::string_view kHttpScheme = "http://";
constexpr std::string_view kUnixScheme = "unix:";

Error BadUrl(std::string_view url, std::string_view what) {
  std::string message = "\"" + std::string(url) + "\": ";
  message += what;
  message += "; expected http://HOST:PORT[/path] or unix:/path/to.sock";
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc() && end == text.data() + text.size() && port != 0;
}

// A space or a line break would end the request line early.
bool CanStandInRequestLine(std::string_view text) { return IsVisibleAscii(text); }

}  // namespace

std::string ServiceUrl::HostHeader() const {
  if (!socket_path.empty()) return "localhost";
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == "80" ? name : name + ":" + port;
}

std::string ServiceUrl::Address() const {
  if (!socket_path.empty()) return std::string(kUnixScheme) + socket_path;
  return std::string(kHttpScheme) + HostHeader();
}

Result<ServiceUrl> ParseServiceUrl(std::string_view url) {
  ServiceUrl parsed;
  if (url.starts_with(kUnixScheme)) {
    parsed.socket_path = url.substr(kUnixScheme.size());
    if (parsed.socket_path.empty()) return BadUrl(url, "the path of the socket is missing");
    if (parsed.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return BadUrl(url, "the path of a socket has at most " +
                             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
    }
    return parsed;
  }
  if (!url.starts_with(kHttpScheme)) return BadUrl(url, "not a URL of a kind known here");

  const std::string_view rest = url.substr(kHttpScheme.size());
  const std::size_t authority_size = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_size);
  const std::string_view target = rest.substr(authority_size);
  if (authority.find('@') != std::string_view::npos) return BadUrl(url, "no user name is sent");

  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return BadUrl(url, "the bracket is never closed");
    parsed.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') {
      return BadUrl(url, "only a port may follow the bracket");
    }
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    parsed.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
  }
  if (parsed.host.empty()) return BadUrl(url, "the host is missing");
  if (!CanStandInRequestLine(parsed.host)) return BadUrl(url, "the host has a bad character");
  if (!authority.empty()) {
    parsed.port = authority.substr(1);
    if (!IsPort(parsed.port)) return BadUrl(url, "a port is a number from 1 to 65535");
  }

  if (target.find('#') != std::string_view::npos) return BadUrl(url, "a fragment is never sent");
  if (!CanStandInRequestLine(target)) return BadUrl(url, "the path has a character to be escaped");
  if (target.starts_with('?')) {
    parsed.target += target;
  } else if (target.size() > 1) {
    parsed.target = target.starts_with("/?") ? parsed.target.append(target.substr(1)) : target;
  }
  return parsed;
}

std::string AskingForPartialAnswers(std::string_view target) {
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return std::string(target) + "?partial=true";
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const std::size_t size = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, size);
    if (parameter == "partial" || parameter.starts_with("partial=")) return std::string(target);
    query.remove_prefix(std::min(size + 1, query.size()));
  }
  const bool needs_separator = !target.ends_with('?') && !target.ends_with('&');
  return std::string(target) + (needs_separator ? "&" : "") + "partial=true";
}

}  // namespace forkcast::client
