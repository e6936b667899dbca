#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::serving {

/// `forkcast status`: asks a server's control socket and prints what it tells, as a table or JSON.
/// Returns 0 when at least one worker is ready, 1 when none is, 2 for wrong usage, 4 when no server
/// answers.
int RunStatusCommand(const std::vector<std::string>& arguments,
                     const preprocessing::CommandContext& context);

}  // namespace forkcast::serving
