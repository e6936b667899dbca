#pragma once

#include <cstddef>

namespace forkcast::serving {

/// What a process of the server has open beside its connections, with room to spare: listeners,
/// event loops, control channels, logs, and files while they are read.
inline constexpr std::size_t kReservedDescriptors = 64;

/// How many connections a worker can have under such a limit.
[[nodiscard]] constexpr std::size_t ConnectionsWithin(std::size_t descriptors) noexcept {
  return descriptors > kReservedDescriptors ? descriptors - kReservedDescriptors : 0;
}

}  // namespace forkcast::serving
