#pragma once

#include <cstddef>
#include <span>

/// Floats as ONNX Runtime (1.32) computes them on x86-64 with FMA, bit by bit, asked for several
/// rows at once. Of one row it adds up products in another order, and other processors in theirs:
/// where large numbers cancel, its own answers then differ by more than their last bits.
namespace forkcast::model::onnx {

/// Which products are added up by themselves: those of a product of matrices with `outputs` columns
/// in blocks of so many of the `inputs` that each sum has.
[[nodiscard]] std::size_t ProductBlock(std::size_t outputs, std::size_t inputs) noexcept;

/// In place of an offset where there is none: unlike 0 it leaves the sum -0 as it is.
inline constexpr float kNoOffset = -0.0F;

/// offset + scale * (a[0] * b[0] + a[1] * b[1] + ...): each block's sum from its beginning on,
/// every product and what it is added to rounded once. `b`: as many as `a`. O(a.size()).
[[nodiscard]] float AddProducts(std::span<const float> a, const float* b, std::size_t block,
                                float scale, float offset) noexcept;

/// tanh(x) to 6 units of the last place, by a quotient of polynomials.
[[nodiscard]] float RuntimeTanh(float x) noexcept;

}  // namespace forkcast::model::onnx
