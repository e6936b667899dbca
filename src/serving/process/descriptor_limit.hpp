#pragma once

#include <cstddef>

namespace forkcast::serving {

/// What a process of the server has open beside its connections, with room to spare: listeners,
/// event loops, control channels, logs, and files while they are read.
inline constexpr std::size_t kReservedDescriptors = 64;

/// Raises the number of descriptors that this process, and those that it forks, may have to what is
/// allowed without asking (the soft limit to the hard one, `ulimit -n`), and returns it. The soft
/// one is low for programs that use select(), which do not work beyond 1024; none is here.
[[nodiscard]] std::size_t RaiseDescriptorLimit() noexcept;

/// How many connections a worker can have under such a limit.
[[nodiscard]] constexpr std::size_t ConnectionsWithin(std::size_t descriptors) noexcept {
  return descriptors > kReservedDescriptors ? descriptors - kReservedDescriptors : 0;
}

}  // namespace forkcast::serving
