#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::model {

/// How `forkcast train` and `forkcast evaluate` end.
enum class TrainExit {
  kDone = 0,
  kUsage = 2,      ///< Wrong arguments or pipeline file.
  kData = 3,       ///< The data do not allow it; trying again changes nothing.
  kGate = 4,       ///< The model was judged (and published), but does not beat the baselines.
  kIo = 5,         ///< Snapshots or the folder of models cannot be read or written.
  kStopped = 143,  ///< By SIGTERM or SIGINT; nothing was published.
};

/// `forkcast train`: judges a pipeline's model, of a forecast or of a label, on its past, then
/// trains one on all data, published as a new version and promoted when it beats its baselines.
/// `arguments` are those behind the word `train`. Prints a table or, with --json, one JSON object
/// as its last line; progress and errors go to `context.err`. Returns a TrainExit.
int RunTrainCommand(const std::vector<std::string>& arguments,
                    const preprocessing::CommandContext& context);

/// `forkcast evaluate`: the validation alone; publishes nothing.
int RunEvaluateCommand(const std::vector<std::string>& arguments,
                       const preprocessing::CommandContext& context);

}  // namespace forkcast::model
