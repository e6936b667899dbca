// The first byte says what the rest is: a value of the header Cookie, what a session was sealed as,
// a page's origin (and, behind a line feed, the host that it asks), or a file of users.
//
// A cookie that is found stands in the header behind its name, and holds no byte that ends it; a
// second, simpler reading finds the same. A session that was not sealed here is none; one that was
// is what it was. A page of ours is one when a second reading of the rules says so. What is read
// of a file gives, written, the same users.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "fuzz/require.hpp"
#include "serving/access/cookie.hpp"
#include "serving/access/same_origin.hpp"
#include "serving/access/session.hpp"
#include "serving/access/user_file.hpp"

using forkcast::Result;
using forkcast::fuzz::Require;
using namespace forkcast::serving;

namespace {

constexpr std::string_view kName = "forkcast_session";

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.erase(0, 1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
  return text;
}

/// The values of all cookies of this name.
std::vector<std::string> ValuesIn(std::string_view header) {
  std::vector<std::string> values;
  std::string pair;
  for (const char c : std::string(header) + ';') {
    if (c != ';') {
      pair += c;
      continue;
    }
    const std::size_t sign = pair.find('=');
    if (sign != std::string::npos && Trimmed(pair.substr(0, sign)) == kName) {
      values.push_back(Trimmed(pair.substr(sign + 1)));
    }
    pair.clear();
  }
  return values;
}

void TryCookie(std::string_view header) {
  const Result<std::string_view> found = FindCookie({.value = header, .count = 1}, kName);
  const std::vector<std::string> values = ValuesIn(header);
  Require(found.ok() == (values.size() <= 1));
  if (!found) return Require(found.error().field == "Cookie");
  Require(*found == (values.empty() ? std::string() : values.front()));
}

void TrySession(std::string_view text) {
  const SessionKey key{4, 2};
  Require(!Unseal(text, key));
  // As if a user were called so: no bytes of a name make it another session.
  Session session{.id = 1, .stamp = 2, .user = std::string(text.substr(0, 64))};
  if (session.user.empty()) return;
  const std::string sealed = Seal(session, key);
  Require(Unseal(sealed, key) == session);
  Require(!Unseal(sealed, SessionKey{4, 3}));
  Require(sealed.find_first_of("=;, \t\r\n\"") == std::string::npos);
}

/// The rules of docs/access.md once more, in other words, of a page that says its origin alone.
bool IsOurs(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  std::string page(origin);
  std::string ours(host);
  std::ranges::transform(page, page.begin(), forkcast::Lower);
  std::ranges::transform(ours, ours.begin(), forkcast::Lower);
  // Schemes are sent in small letters.
  const bool is_plain = origin.starts_with("http://");
  const bool is_tls = origin.starts_with("https://");
  if (!is_plain && !is_tls) return false;
  page.erase(0, is_tls ? 8 : 7);
  const auto has_port = [](const std::string& text) {
    const std::size_t colon = text.rfind(':');
    return colon != std::string::npos && text.find(']', colon) == std::string::npos;
  };
  const auto port_of = [&](const std::string& text) {
    return has_port(text) ? text.substr(text.rfind(':') + 1) : std::string();
  };
  const auto name_of = [&](const std::string& text) {
    return has_port(text) ? text.substr(0, text.rfind(':')) : text;
  };
  std::string port = port_of(page);
  if (port.empty()) port = is_tls ? "443" : "80";
  const bool is_port = port_of(ours).empty() || port_of(ours) == port;
  return !name_of(page).empty() && name_of(page) == name_of(ours) && is_port;
}

void TryOrigin(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view origin = text.substr(0, end);
  const std::string_view host = text.substr(std::min(end + 1, text.size()));
  Require(IsOfAnotherOrigin({.origin = origin}, host) != IsOurs(origin, host));
  Require(IsOfAnotherOrigin({.origin = origin, .site = "cross-site"}, host));
}

void TryFile(std::string_view text) {
  const Result<std::vector<User>> users = ParseUsers(text);
  if (!users) return Require(!users.error().message.empty());
  const Result<std::vector<User>> again = ParseUsers(ToText(*users));
  Require(again && *again == *users);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'c':
      TryCookie(rest);
      break;
    case 's':
      TrySession(rest);
      break;
    case 'o':
      TryOrigin(rest);
      break;
    default:
      TryFile(rest);
  }
  return 0;
}
