#pragma once

#include <cstddef>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// A field of a request's head: its value, and how often it was given.
struct SentField {
  std::string_view value{};
  std::size_t count = 0;
};

/// The token in the header Authorization (RFC 6750, 2.1); empty when the header is not there.
/// kMalformed when it was given several times, which two programs read differently;
/// kInvalidArgument when it is anything else than `Bearer`, whatever its case, one blank, and
/// characters of a token. Messages do not repeat what was sent.
[[nodiscard]] Result<std::string_view> BearerToken(SentField authorization);

}  // namespace forkcast::serving
