#include "serving/access/same_origin.hpp"

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

struct Authority {
  std::string_view name;  ///< Of an IPv6 address with its brackets.
  std::string_view port;  ///< Empty: the scheme's.
};

Authority Split(std::string_view text) noexcept {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {.name = text, .port = {}};
  return {.name = text.substr(0, colon), .port = text.substr(colon + 1)};
}

bool IsOf(std::string_view origin, std::string_view host) noexcept {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  const bool is_tls = origin.starts_with(kTls);
  if (!is_tls && !origin.starts_with(kPlain)) return false;  // "null", too
  const Authority page = Split(origin.substr(is_tls ? kTls.size() : kPlain.size()));
  const Authority ours = Split(host);
  if (page.name.empty() || !EqualsIgnoringCase(page.name, ours.name)) return false;
  if (ours.port.empty()) return true;
  const std::string_view port_of_scheme = is_tls ? "443" : "80";
  return (page.port.empty() ? port_of_scheme : page.port) == ours.port;
}

}  // namespace

bool IsOfAnotherOrigin(const AskingPage& page, std::string_view host) noexcept {
  if (!page.site.empty() && page.site != "same-origin" && page.site != "none") return true;
  return !page.origin.empty() && !IsOf(page.origin, host);
}

}  // namespace forkcast::serving
