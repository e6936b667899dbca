#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast deploy`: tries a challenger beside what a running server answers with.
[[nodiscard]] preprocessing::Command DeployCommand();

}  // namespace forkcast::serving
