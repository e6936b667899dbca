#pragma once

#include <cstddef>
#include <random>

namespace forkcast {

/// Draws that are the same with every standard library, which those of std::uniform_*_distribution
/// are not: what a seed gives must be given again elsewhere.

/// Evenly from 0 <= x < 1, a multiple of 2^-53.
[[nodiscard]] inline double DrawShare(std::mt19937_64& engine) {
  return static_cast<double>(engine() >> 11) * 0x1p-53;
}

/// Evenly from 0 .. count - 1, but for a bias of count / 2^53. Precondition: 0 < count.
[[nodiscard]] inline std::size_t DrawBelow(std::mt19937_64& engine, std::size_t count) {
  return static_cast<std::size_t>(DrawShare(engine) * static_cast<double>(count));
}

}  // namespace forkcast
