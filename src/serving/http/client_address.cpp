#include "serving/http/client_address.hpp"

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

/// Takes the last of a list's elements off it. No element has a comma, but for quoted ones that
/// name no address.
std::string_view TakeLast(std::string_view& list, char between) noexcept {
  const std::size_t at = list.rfind(between);
  const std::string_view last = at == std::string_view::npos ? list : list.substr(at + 1);
  list = at == std::string_view::npos ? std::string_view() : list.substr(0, at);
  return Trimmed(last);
}

/// The value of `for` in `for=192.0.2.60;proto=http`; empty when there is none.
std::string_view ForOf(std::string_view element) noexcept {
  constexpr std::string_view kFor = "for=";
  while (!element.empty()) {
    std::string_view pair = TakeLast(element, ';');
    if (!EqualsIgnoringCase(pair.substr(0, kFor.size()), kFor)) continue;
    pair.remove_prefix(kFor.size());
    if (pair.size() >= 2 && pair.front() == '"' && pair.back() == '"') {
      return pair.substr(1, pair.size() - 2);
    }
    return pair;
  }
  return {};
}

/// Without brackets and port: `[2001:db8::1]:47011`, `192.0.2.43:47011`.
std::string_view WithoutPort(std::string_view node) noexcept {
  if (node.starts_with('[')) return node.substr(1, std::max<std::size_t>(node.find(']'), 1) - 1);
  const std::size_t colon = node.find(':');
  const bool one_colon = colon != std::string_view::npos && colon == node.rfind(':');
  return one_colon ? node.substr(0, colon) : node;
}

}  // namespace

std::string_view ClientAddress(std::string_view peer, const Forwarding& said,
                               const TrustedProxies& trusted) noexcept {
  const bool by_list = !said.forwarded_for.empty();
  std::string_view rest = by_list ? said.forwarded_for : said.forwarded;
  std::string_view client = peer;
  while (!rest.empty() && trusted.Trust(client)) {
    const std::string_view element = TakeLast(rest, ',');
    const std::string_view address = WithoutPort(by_list ? element : ForOf(element));
    if (!ParseIpAddress(address)) break;
    client = address;
  }
  return client;
}

}  // namespace forkcast::serving
