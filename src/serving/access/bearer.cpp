#include "serving/access/bearer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kScheme = "Bearer ";

/// `b64token` of RFC 6750, but for the signs at its end that no token of ours has.
bool IsOfToken(char c) noexcept {
  const char low = Lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         c == '~' || c == '+' || c == '/';
}

}  // namespace

Result<std::string_view> BearerToken(SentField authorization) {
  const std::string_view value = authorization.value;
  if (authorization.count == 0) return std::string_view();
  if (authorization.count > 1) {
    return Error{ErrorCode::kMalformed,
                 fmt::format("the header Authorization was given {} times, it may come once",
                             authorization.count),
                 "Authorization"};
  }
  const bool is_bearer = EqualsIgnoringCase(value.substr(0, kScheme.size()), kScheme);
  const std::string_view token = is_bearer ? value.substr(kScheme.size()) : std::string_view();
  if (!token.empty() && std::ranges::all_of(token, IsOfToken)) return token;
  return Error{ErrorCode::kInvalidArgument,
               "expected \"Bearer TOKEN\", with a token that `forkcast token create` printed",
               "Authorization"};
}

}  // namespace forkcast::serving
