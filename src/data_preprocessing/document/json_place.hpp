#pragma once

#include <cstddef>
#include <string_view>

namespace forkcast::preprocessing {

/// Where something stands in a text, as editors count: from 1, columns in bytes.
struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const TextPlace&, const TextPlace&) = default;
};

/// The place that `message`, of a SpecError, is about. It begins with the path of a value in `text`
/// ("$.features[2].op: expected ..."): then it is where that value begins, of a member its name; of
/// one that is not written there, the nearest around it that is. A message without a path is about
/// the beginning of `text`. `text`: valid JSON; of anything else the answer is some place in it.
[[nodiscard]] TextPlace PlaceOf(std::string_view text, std::string_view message);

}  // namespace forkcast::preprocessing
