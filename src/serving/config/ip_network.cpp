#include "serving/config/ip_network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace forkcast::serving {
namespace {

constexpr std::size_t kBitsBeforeV4 = 96;  // of ::ffff:0:0

std::optional<std::size_t> ParseLength(std::string_view text) noexcept {
  std::size_t bits = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, bits);
  if (problem != std::errc() || end != last) return std::nullopt;
  return bits;
}

bool HasBitsBehind(const IpNetwork& network) noexcept {
  IpAddress zero = network.address;
  for (std::size_t bit = network.bits; bit < 128; ++bit) {
    zero[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return zero != network.address;
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};  // ends with a zero, which inet_pton needs
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  IpAddress address{};
  if (::inet_pton(AF_INET6, copy.data(), address.data()) == 1) return address;
  address[10] = 0xFF;
  address[11] = 0xFF;
  if (::inet_pton(AF_INET, copy.data(), &address[12]) == 1) return address;
  return std::nullopt;
}

bool IpNetwork::Holds(const IpAddress& other) const noexcept {
  const std::size_t whole = bits / 8;
  if (!std::equal(other.begin(), other.begin() + whole, address.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((other[whole] ^ address[whole]) >> (8U - rest)) == 0;
}

Result<IpNetwork> ParseIpNetwork(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view host = text.substr(0, slash);
  const auto address = ParseIpAddress(host);
  if (!address) {
    return Error{ErrorCode::kInvalidArgument,
                 "expected an address such as 10.0.0.1 or a network such as 10.0.0.0/8"};
  }
  IpNetwork network{.address = *address};
  if (slash == text.size()) return network;
  const bool is_v4 = host.find(':') == std::string_view::npos;
  const std::size_t most = is_v4 ? 32 : 128;
  const auto length = ParseLength(text.substr(slash + 1));
  if (!length || *length > most) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("expected a number from 0 to {} behind the /", most)};
  }
  network.bits = *length + (is_v4 ? kBitsBeforeV4 : 0);
  if (HasBitsBehind(network)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("expected an address that is 0 behind its first {} bits", *length)};
  }
  return network;
}

bool TrustedProxies::Trust(std::string_view peer) const noexcept {
  if (peer.empty()) return unix_sockets;
  const auto address = ParseIpAddress(peer);
  return address && std::ranges::any_of(networks, [&address](const IpNetwork& network) {
           return network.Holds(*address);
         });
}

}  // namespace forkcast::serving
