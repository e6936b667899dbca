#pragma once

#include <cstddef>

namespace forkcast {

/// Raises the number of descriptors that this process, and those that it forks, may have to what is
/// allowed without asking (the soft limit to the hard one, `ulimit -n`), and returns it. The soft
/// one is low for programs that use select(), which does not work beyond 1024; none is here.
[[nodiscard]] std::size_t RaiseDescriptorLimit() noexcept;

}  // namespace forkcast
