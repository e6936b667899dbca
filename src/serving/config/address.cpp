#include "serving/config/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

Error Expected(std::string what) {
  return {ErrorCode::kInvalidArgument, "expected " + std::move(what)};
}

bool IsNumericHost(int family, const std::string& host) noexcept {
  in6_addr parsed{};  // large enough for both families
  return ::inet_pton(family, host.c_str(), &parsed) == 1;
}

/// Letters, digits, '-', '_' and '.', with a letter in the last part, so that a slip in a number is
/// no name.
bool IsName(std::string_view host) noexcept {
  constexpr std::size_t kMost = 253;
  const auto is_letter = [](char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; };
  return IsPlainName(host, kMost) &&
         std::ranges::any_of(host.substr(host.rfind('.') + 1), is_letter);
}

std::optional<std::uint16_t> ParsePort(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, port);
  if (problem != std::errc() || end != last) return std::nullopt;
  return port;
}

Result<Address> ParseUnix(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return Expected("unix:PATH");
  if (path.size() > kMaxUnixPath) {
    return Expected("a socket path of at most " + std::to_string(kMaxUnixPath) +
                    " bytes, this one has " + std::to_string(path.size()));
  }
  return Address(UnixAddress{path});
}

}  // namespace

Result<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return ParseUnix(text.substr(kUnix.size()));
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const std::optional<std::uint16_t> port = ParsePort(text.substr(colon + 1));
    std::string host(text.substr(0, colon));
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    // With a zero byte inside, inet_pton would see only what is before it.
    const bool whole = host.find('\0') == std::string::npos;
    const bool is_numeric = whole && IsNumericHost(bracketed ? AF_INET6 : AF_INET, host);
    if (port && (is_numeric || (!bracketed && IsName(host)))) {
      return Address(TcpAddress{.host = std::move(host), .port = *port});
    }
  }
  return Expected(
      "ADDRESS:PORT such as 127.0.0.1:8080, [::1]:8080 or localhost:8080 (0.0.0.0 or [::] for all "
      "interfaces), or unix:PATH");
}

std::string ToString(const Address& address) {
  if (const auto* unix_address = std::get_if<UnixAddress>(&address)) {
    return "unix:" + unix_address->path.string();
  }
  const auto& tcp = std::get<TcpAddress>(address);
  const bool is_v6 = tcp.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

}  // namespace forkcast::serving
