#pragma once

#include <span>
#include <string>
#include <string_view>

namespace forkcast {

/// Which of the words that there are was probably meant by one that is not among them: the one that
/// the fewest changes of a letter lead to (one more, one less, another, or two swapped; small or
/// capital does not matter), the first of several; at most one change for every three letters.
/// Empty: nothing is so close.
[[nodiscard]] std::string Nearest(std::string_view word, std::span<const std::string> known);

/// `; did you mean "evaluate"?` by Nearest(), or nothing. `dashes` stands before the word.
[[nodiscard]] std::string DidYouMean(std::string_view word, std::span<const std::string> known,
                                     std::string_view dashes = {});

}  // namespace forkcast
