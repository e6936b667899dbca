#pragma once

#include <ostream>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"

namespace forkcast::preprocessing {

/// What a command has around it besides its arguments; RunMain() passes the process's own. The
/// streams and the clock outlive the call.
struct CommandContext {
  Environment environment;
  std::ostream& out;  ///< Results.
  std::ostream& err;  ///< Errors and progress.
  const Clock& clock;
  bool err_is_terminal = false;
  bool quiet = false;                ///< No progress: RunCommand() sets it for --quiet.
  std::string program = "forkcast";  ///< What stands before a command's name in messages.
};

}  // namespace forkcast::preprocessing
