#pragma once

#include <cstddef>
#include <vector>

namespace forkcast::model {

/// Where an integrand is looked at, and how much that counts.
struct Quadrature {
  std::vector<double> at{};
  std::vector<double> weights{};
};

/// Gauss-Legendre points on 0..1: so many integrate polynomials of a degree up to 2 count - 1
/// without error.
[[nodiscard]] Quadrature GaussLegendre(std::size_t count);

}  // namespace forkcast::model
