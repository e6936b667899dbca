#include "model/onnx/runtime_floats.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace forkcast::model::onnx {
namespace {

/// a + b x + c x^2 + ..., the last of `coefficients` first.
template <std::size_t n>
float Polynomial(const std::array<float, n>& coefficients, float x) noexcept {
  float sum = coefficients.back();
  for (std::size_t i = n - 1; i-- > 0;) sum = std::fma(sum, x, coefficients[i]);
  return sum;
}

}  // namespace

std::size_t ProductBlock(std::size_t outputs, std::size_t inputs) noexcept {
  // Tiles of about as many numbers each, of a matrix that is wider than it is high, or the reverse.
  constexpr std::size_t kSide = 128;
  constexpr std::size_t kLeastColumns = 16;
  std::size_t rows = kSide;
  if (outputs >= inputs) {
    while (rows > 1 && rows / 2 >= inputs) rows /= 2;
  } else {
    for (std::size_t columns = kSide; columns > kLeastColumns && columns / 2 >= outputs;
         columns /= 2) {
      rows *= 2;
    }
  }
  return rows;
}

float AddProducts(std::span<const float> a, const float* b, std::size_t block, float scale,
                  float offset) noexcept {
  for (std::size_t begin = 0; begin < a.size(); begin += block) {
    const std::size_t end = std::min(a.size(), begin + block);
    float sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum = std::fma(a[i], b[i], sum);
    offset = std::fma(sum, scale, offset);
  }
  return offset;
}

float RuntimeTanh(float x) noexcept {
  // Of Eigen's approximation: odd above, even below; beyond 9 the quotient is 1.
  constexpr std::array kAbove{4.89352455891786e-03F, 6.37261928875436e-04F,  1.48572235717979e-05F,
                              5.12229709037114e-08F, -8.60467152213735e-11F, 2.00018790482477e-13F,
                              -2.76076847742355e-16F};
  constexpr std::array kBelow{4.89352518554385e-03F, 2.26843463243900e-03F, 1.18534705686654e-04F,
                              1.19825839466702e-06F};
  constexpr float kGreatest = 9;
  x = std::clamp(x, -kGreatest, kGreatest);  // NaN stays NaN
  const float square = x * x;
  return Polynomial(kAbove, square) * x / Polynomial(kBelow, square);
}

}  // namespace forkcast::model::onnx
