#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast skew`.
[[nodiscard]] preprocessing::Command SkewCommand();

}  // namespace forkcast::serving
