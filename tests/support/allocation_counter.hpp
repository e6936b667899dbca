#pragma once

#include <cstddef>

namespace forkcast {

/// Calls of the global operator new since the program began. Linking allocation_counter.cpp
/// replaces that operator.
[[nodiscard]] std::size_t AllocationCount() noexcept;

}  // namespace forkcast
