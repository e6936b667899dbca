#pragma once

#include <ostream>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"

namespace forkcast::preprocessing {

/// What a subcommand has around it besides its arguments; main passes the process's own. The
/// streams and the clock outlive the call.
struct CommandContext {
  Environment environment;
  std::ostream& out;  ///< Results.
  std::ostream& err;  ///< Errors and progress.
  const Clock& clock;
  bool err_is_terminal = false;
};

}  // namespace forkcast::preprocessing
