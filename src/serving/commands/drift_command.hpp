#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast drift`: what model::DriftCommand() does, and `quality`, which looks into what a server
/// captured.
[[nodiscard]] preprocessing::Command DriftCommand();

}  // namespace forkcast::serving
