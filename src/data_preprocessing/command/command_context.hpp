#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/text_table.hpp"

namespace forkcast::preprocessing {

/// What a command has around it besides its arguments; RunMain() passes the process's own. The
/// streams and the clock outlive the call.
struct CommandContext {
  Environment environment;
  std::ostream& out;  ///< Results.
  std::ostream& err;  ///< Errors and progress.
  const Clock& clock;
  bool err_is_terminal = false;
  bool quiet = false;                    ///< No progress: RunCommand() sets it for --quiet.
  std::string program = "forkcast";      ///< What stands before a command's name in messages.
  TextStyle style{};                     ///< How `out` is to look.
  std::size_t err_width = 0;             ///< Columns of the terminal that `err` is; 0: none.
  std::vector<std::string> variables{};  ///< Names of what `environment` has.
};

}  // namespace forkcast::preprocessing
