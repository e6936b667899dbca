#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast work`: works off the queue of jobs of a store, as a server's trainer does.
[[nodiscard]] preprocessing::Command WorkCommand();

}  // namespace forkcast::serving
