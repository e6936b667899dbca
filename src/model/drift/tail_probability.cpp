#include "model/drift/tail_probability.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <numeric>
#include <vector>

namespace forkcast::model {
namespace {

/// Of D+ being d or more: Smirnov's sum, all of whose terms are positive (Birnbaum and Tingey
/// 1951).
double OneSidedTail(double d, double n) {
  double sum = 0;
  for (double j = 0; j <= std::floor(n * (1 - d)); ++j) {
    const double rest = 1 - d - j / n;
    if (rest <= 0 && n > j) continue;
    const double log_ways = std::lgamma(n + 1) - std::lgamma(j + 1) - std::lgamma(n - j + 1);
    const double log_rest = n > j ? (n - j) * std::log(rest) : 0.0;
    sum += std::exp(log_ways + (j - 1) * std::log(d + j / n) + log_rest);
  }
  return std::min(d * sum, 1.0);
}

/// A square matrix of probabilities, with a power of ten of its own so that it cannot underflow.
class Matrix {
 public:
  explicit Matrix(std::size_t size) : size_(size), cells_(size * size) {}

  double& operator()(std::size_t row, std::size_t column) { return cells_[row * size_ + column]; }
  [[nodiscard]] double operator()(std::size_t row, std::size_t column) const {
    return cells_[row * size_ + column];
  }
  [[nodiscard]] int exponent() const noexcept { return exponent_; }

  [[nodiscard]] Matrix Times(const Matrix& other) const {
    Matrix product(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t k = 0; k < size_; ++k) {
        const double factor = (*this)(i, k);
        for (std::size_t j = 0; j < size_; ++j) product(i, j) += factor * other(k, j);
      }
    }
    product.exponent_ = exponent_ + other.exponent_;
    if (product(size_ / 2, size_ / 2) > kLarge) {
      for (double& cell : product.cells_) cell /= kLarge;
      product.exponent_ += kLargeExponent;
    }
    return product;
  }

 private:
  static constexpr double kLarge = 1e140;
  static constexpr int kLargeExponent = 140;

  std::size_t size_;
  std::vector<double> cells_;
  int exponent_ = 0;
};

/// Durbin's matrix of the ways to stay within d, of which the n-th power is taken.
Matrix DurbinMatrix(std::size_t size, double h) {
  Matrix ways(size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) ways(i, j) = j <= i + 1 ? 1 : 0;
  }
  const auto power = [h](std::size_t exponent) {
    return std::pow(h, static_cast<double>(exponent));
  };
  for (std::size_t i = 0; i < size; ++i) {
    ways(i, 0) -= power(i + 1);
    ways(size - 1, i) -= power(size - i);
  }
  if (2 * h > 1) ways(size - 1, 0) += std::pow(2 * h - 1, static_cast<double>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      ways(i, j) /= std::tgamma(static_cast<double>(i - j) + 2);
    }
  }
  return ways;
}

double WithinByDurbin(double d, std::size_t n) {
  const double count = static_cast<double>(n);
  const auto k = static_cast<std::size_t>(count * d) + 1;
  Matrix factor = DurbinMatrix(2 * k - 1, static_cast<double>(k) - count * d);
  Matrix power(2 * k - 1);
  for (std::size_t i = 0; i < 2 * k - 1; ++i) power(i, i) = 1;
  for (std::size_t rest = n; rest > 0; rest /= 2) {
    if (rest % 2 == 1) power = power.Times(factor);
    if (rest > 1) factor = factor.Times(factor);
  }
  double within = power(k - 1, k - 1);
  int exponent = power.exponent();
  for (double i = 1; i <= count; ++i) {
    within *= i / count;
    if (within < 1e-140) {
      within *= 1e140;
      exponent -= 140;
    }
  }
  return within * std::pow(10.0, exponent);
}

}  // namespace

double ChiSquareTail(double x, double degrees) {
  if (degrees <= 0) return 1;
  if (std::isinf(x)) return 0;
  return boost::math::gamma_q(degrees / 2, x / 2);
}

double NormalTails(double z) { return std::erfc(std::abs(z) / std::numbers::sqrt2); }

double StudentTail(double t, double degrees) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  // By the small part of 1, which has the digits where there are many degrees.
  const double beyond = boost::math::ibetac(0.5, degrees / 2, t * t / (degrees + t * t)) / 2;
  return t > 0 ? beyond : 1 - beyond;
}

double BinomialTail(double count, double trials, double share) {
  if (count <= 0) return 1;
  return boost::math::ibeta(count, trials - count + 1, share);
}

double KolmogorovTail(double d, std::size_t n) {
  const double count = static_cast<double>(n);
  if (d <= 0.5 / count) return 1;
  if (d >= 1) return 0;
  // Both sides at once have about exp(-6 n d^2) of one side's probability.
  constexpr double kTail = 4;
  if (d >= 0.5 || count * d * d >= kTail) return std::min(2 * OneSidedTail(d, count), 1.0);
  return std::clamp(1 - WithinByDurbin(d, n), 0.0, 1.0);
}

double TwoSampleTail(std::int64_t gap, std::size_t n, std::size_t m) {
  if (gap <= 0) return 1;
  const auto divisor = static_cast<std::int64_t>(std::gcd(n, m));
  const auto n_step = static_cast<std::int64_t>(m) / divisor;
  const auto m_step = static_cast<std::int64_t>(n) / divisor;
  // inside[j]: of being at (i, j) without ever having been `gap` apart. What leaves is added up
  // where it leaves, so that small results are as exact as large ones.
  std::vector<double> inside(m + 1);
  double outside = 0;
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j <= m; ++j) {
      double here = i + j == 0 ? 1 : 0;
      const auto left = static_cast<double>(n + m - i - j + 1);
      if (i > 0) here += inside[j] * static_cast<double>(n - i + 1) / left;
      if (j > 0) here += inside[j - 1] * static_cast<double>(m - j + 1) / left;
      const std::int64_t apart =
          std::abs(static_cast<std::int64_t>(i) * n_step - static_cast<std::int64_t>(j) * m_step);
      if (apart >= gap) {
        outside += here;
        here = 0;
      }
      inside[j] = here;
    }
  }
  return std::min(outside, 1.0);
}

double BenjaminiHochberg(std::span<const double> p_values, double rate) {
  std::vector<double> sorted(p_values.begin(), p_values.end());
  std::ranges::sort(sorted);
  for (std::size_t i = sorted.size(); i > 0; --i) {
    const double allowed = rate * static_cast<double>(i) / static_cast<double>(sorted.size());
    if (sorted[i - 1] <= allowed) return sorted[i - 1];
  }
  return -1;
}

}  // namespace forkcast::model
