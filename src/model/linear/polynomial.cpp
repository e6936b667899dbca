#include "model/linear/polynomial.hpp"

#include <algorithm>

namespace forkcast::model {
namespace {

/// The next product of as many factors, by the order of their positions; false after the last.
bool Advance(std::vector<std::uint32_t>& factors, std::size_t inputs, bool interaction_only) {
  for (std::size_t i = factors.size(); i-- > 0;) {
    const std::size_t behind = interaction_only ? factors.size() - 1 - i : 0;
    if (factors[i] + 1 + behind >= inputs) continue;
    ++factors[i];
    for (std::size_t j = i + 1; j < factors.size(); ++j) {
      factors[j] = factors[j - 1] + (interaction_only ? 1 : 0);
    }
    return true;
  }
  return false;
}

}  // namespace

std::size_t CountTerms(std::size_t inputs, const Polynomial& polynomial) noexcept {
  std::size_t all = 0;
  std::size_t of_length = 1;
  for (std::size_t length = 1; length <= polynomial.degree; ++length) {
    // Chosen with repetition out of n: C(n + length - 1, length); without: C(n, length).
    const std::size_t behind = length - 1;
    if (polynomial.interaction_only && behind >= inputs) break;
    const std::size_t choices = polynomial.interaction_only ? inputs - behind : inputs + behind;
    if (choices > kMostTerms) return kMostTerms + 1;
    of_length = of_length * choices / length;
    all += of_length;
    if (all > kMostTerms) return kMostTerms + 1;
  }
  return all;
}

PolynomialTerms::PolynomialTerms(std::size_t inputs, const Polynomial& polynomial) {
  for (std::size_t length = 1; length <= polynomial.degree; ++length) {
    if (inputs == 0 || (polynomial.interaction_only && length > inputs)) break;
    std::vector<std::uint32_t> factors(length);
    for (std::size_t i = 1; polynomial.interaction_only && i < length; ++i) {
      factors[i] = static_cast<std::uint32_t>(i);
    }
    do {
      factors_.insert(factors_.end(), factors.begin(), factors.end());
      ends_.push_back(factors_.size());
    } while (Advance(factors, inputs, polynomial.interaction_only));
  }
}

}  // namespace forkcast::model
