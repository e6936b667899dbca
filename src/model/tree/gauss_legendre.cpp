#include "model/tree/gauss_legendre.hpp"

#include <cmath>
#include <numbers>
#include <utility>

namespace forkcast::model {

/// Newton's method from the usual first guess (Abramowitz & Stegun 25.4.29, 22.16.6).
Quadrature GaussLegendre(std::size_t count) {
  Quadrature points;
  for (std::size_t i = 0; i < count; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) /
                        (static_cast<double>(count) + 0.5));
    double slope = 0;
    for (int step = 0; step < 16; ++step) {  // converges in five
      double before = 1;
      double here = x;
      for (std::size_t n = 2; n <= count; ++n) {
        const auto k = static_cast<double>(n);
        before = std::exchange(here, ((2 * k - 1) * x * here - (k - 1) * before) / k);
      }
      slope = static_cast<double>(count) * (x * here - before) / (x * x - 1);
      x -= here / slope;
    }
    points.at.push_back((1 + x) / 2);
    points.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return points;
}

}  // namespace forkcast::model
