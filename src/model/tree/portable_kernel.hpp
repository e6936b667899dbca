#pragma once

#include "model/tree/forest_kernel.hpp"

namespace forkcast::model {

/// Without instructions that not every processor has.
extern const ForestKernel kPortableKernel;

}  // namespace forkcast::model
