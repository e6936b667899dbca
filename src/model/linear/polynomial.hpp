#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forkcast::model {

/// Which products of inputs a linear model adds up.
struct Polynomial {
  unsigned degree = 1;            ///< At most so many factors; 1: the inputs themselves.
  bool interaction_only = false;  ///< No input twice in a product.

  friend bool operator==(const Polynomial&, const Polynomial&) = default;
};

inline constexpr unsigned kMostDegree = 10;
/// Terms that a model can have.
inline constexpr std::size_t kMostTerms = 100'000;

/// How many products of `inputs` there are; more than kMostTerms come out as kMostTerms + 1.
[[nodiscard]] std::size_t CountTerms(std::size_t inputs, const Polynomial& polynomial) noexcept;

/// The products, each as the positions of its factors: short ones first, those of one length in the
/// order of their positions, which is that of scikit-learn's PolynomialFeatures.
class PolynomialTerms {
 public:
  PolynomialTerms() = default;
  /// Precondition: CountTerms() is at most kMostTerms.
  PolynomialTerms(std::size_t inputs, const Polynomial& polynomial);

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  /// Ascending positions.
  [[nodiscard]] std::span<const std::uint32_t> factors(std::size_t term) const noexcept {
    const std::size_t begin = term == 0 ? 0 : ends_[term - 1];
    return std::span(factors_).subspan(begin, ends_[term] - begin);
  }

 private:
  std::vector<std::uint32_t> factors_;
  std::vector<std::size_t> ends_;  ///< Of each term, where its factors end.
};

}  // namespace forkcast::model
