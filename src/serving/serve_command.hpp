#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::serving {

/// `forkcast serve`: reads the settings, binds, and runs the master until it is stopped. Returns
/// the program's exit code (process_log.hpp). Must be called in a process without other threads.
int RunServeCommand(const std::vector<std::string>& arguments,
                    const preprocessing::CommandContext& context);

}  // namespace forkcast::serving
