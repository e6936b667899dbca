#include "data_preprocessing/base/suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast {
namespace {

/// The distance of optimal string alignment (Boytsov 2011, section 2.1): changes of single letters
/// and swaps of two neighbours that lead from one word to the other.
std::size_t ChangesBetween(std::string_view from, std::string_view to) {
  std::vector<std::vector<std::size_t>> least(from.size() + 1,
                                              std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) least[i][0] = i;
  for (std::size_t j = 0; j <= to.size(); ++j) least[0][j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool is_same = Lower(from[i - 1]) == Lower(to[j - 1]);
      least[i][j] = std::min(
          {least[i - 1][j] + 1, least[i][j - 1] + 1, least[i - 1][j - 1] + (is_same ? 0 : 1)});
      const bool is_swapped = i > 1 && j > 1 && Lower(from[i - 1]) == Lower(to[j - 2]) &&
                              Lower(from[i - 2]) == Lower(to[j - 1]);
      if (is_swapped) least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
    }
  }
  return least[from.size()][to.size()];
}

}  // namespace

std::string Nearest(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t kLettersAChange = 3;
  constexpr std::size_t kLongestWord = 100;  // what is longer is no word that was mistyped
  if (word.size() > kLongestWord) return {};
  std::size_t least = std::max<std::size_t>(word.size() / kLettersAChange, 1) + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    const std::size_t changes = ChangesBetween(word, candidate);
    if (changes >= least) continue;
    least = changes;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, std::span<const std::string> known,
                       std::string_view dashes) {
  const std::string nearest = Nearest(word, known);
  if (nearest.empty()) return {};
  std::string text = "; did you mean ";
  text.append(dashes.empty() ? "\"" : dashes).append(nearest);
  return text.append(dashes.empty() ? "\"?" : "?");
}

}  // namespace forkcast
