#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast status`: asks a server's control socket and prints what it tells, as a table or JSON.
/// Ends with ExitCode::kNo when no worker is ready.
[[nodiscard]] preprocessing::Command StatusCommand();

}  // namespace forkcast::serving
