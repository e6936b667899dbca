// The first byte says what the rest is: a value of the header Authorization, one of Host, or a file
// of tokens.
//
// A token that is taken stands at the end of the header, behind one blank, and has no byte that
// ends a header or a list. A host is ours when a second, simpler reading of the rules says so. What
// is read of a file gives, written, the same tokens.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "fuzz/require.hpp"
#include "serving/access/allowed_hosts.hpp"
#include "serving/access/bearer.hpp"
#include "serving/access/token_file.hpp"

using forkcast::Result;
using forkcast::fuzz::Require;
using namespace forkcast::serving;

namespace {

void TryAuthorization(std::string_view value) {
  const Result<std::string_view> token = BearerToken({.value = value, .count = 1});
  if (!token) return Require(!token.error().message.empty());
  Require(!token->empty() && value.ends_with(*token));
  Require(value.size() == std::string_view("Bearer ").size() + token->size());
  Require(token->find_first_of(" \t\r\n,;=\"") == std::string_view::npos);
}

/// The rules of docs/access.md once more, in other words.
bool IsOurs(std::string_view value) {
  std::string name(value);
  std::ranges::transform(name, name.begin(), forkcast::Lower);
  std::string port;
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && name.find(']', colon) == std::string::npos) {
    port = name.substr(colon + 1);
    name.resize(colon);
  }
  if (name.ends_with('.')) name.pop_back();
  constexpr std::string_view kDomain = ".b.example";
  return name == "a.example" || name == "[::1]" ||
         (port == "80" && name.size() > kDomain.size() && name.ends_with(kDomain));
}

void TryHost(std::string_view value) {
  const std::vector<std::string> allowed{"a.example", "*.b.example:80", "[::1]"};
  Require(IsAllowedHost(allowed, value) == IsOurs(value));
  const Result<std::string> parsed = ParseAllowedHost(value);
  if (!parsed) return Require(!parsed.error().message.empty());
  Require(parsed->size() == value.size() && ParseAllowedHost(*parsed).value() == *parsed);
}

void TryFile(std::string_view text) {
  const Result<std::vector<Token>> tokens = ParseTokens(text);
  if (!tokens) return Require(!tokens.error().message.empty());
  const Result<std::vector<Token>> again = ParseTokens(ToText(*tokens));
  Require(again && *again == *tokens);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'a':
      TryAuthorization(rest);
      break;
    case 'h':
      TryHost(rest);
      break;
    default:
      TryFile(rest);
  }
  return 0;
}
