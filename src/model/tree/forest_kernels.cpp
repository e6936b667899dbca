#include <algorithm>
#include <array>
#include <vector>

#include "model/tree/forest_kernel.hpp"
#include "model/tree/portable_kernel.hpp"

namespace forkcast::model {

std::span<const ForestKernel> ForestKernels() noexcept { return {&kPortableKernel, 1}; }

}  // namespace forkcast::model
