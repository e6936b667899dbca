#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::model {

/// How `forkcast models` ends.
enum class ModelsExit {
  kDone = 0,
  kUsage = 2,     ///< Wrong arguments.
  kNotFound = 3,  ///< No such model or version, or its files are not what was published.
  kGate = 4,      ///< Not promoted: the model does not beat the baselines it was judged against.
  kIo = 5,        ///< The folder cannot be read or written.
};

/// `forkcast models list | show | promote | compare | prune`: versions of models in a folder.
/// `arguments` are those behind the word `models`. Prints to `context.out` a table or, with --json,
/// one JSON value; what is wrong goes to `context.err`. Returns a ModelsExit.
int RunModelsCommand(const std::vector<std::string>& arguments,
                     const preprocessing::CommandContext& context);

}  // namespace forkcast::model
