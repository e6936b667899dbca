#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast jobs list|show|submit|stop`: the queue of jobs of a store.
[[nodiscard]] preprocessing::Command JobsCommand();

}  // namespace forkcast::serving
