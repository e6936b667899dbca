#pragma once

#include <cstdint>
#include <span>

namespace forkcast::serving {

/// Fills `bytes` with the kernel's random bits. Precondition: at most 256, which are never given
/// interrupted or in part once the pool is ready. Throws std::system_error.
void FillRandom(std::span<std::uint8_t> bytes);

}  // namespace forkcast::serving
