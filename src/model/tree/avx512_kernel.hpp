#pragma once

#include "model/tree/forest_kernel.hpp"

namespace forkcast::model {

/// All tests of a tile at once, with AVX-512; a row of up to 64 numbers stays in registers.
extern const ForestKernel kAvx512Kernel;

}  // namespace forkcast::model
