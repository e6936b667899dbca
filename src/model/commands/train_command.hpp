#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast train`: judges a pipeline's model, of a forecast or of a label, on its past, then
/// trains one on all data, published as a new version and promoted when it beats its baselines.
/// Prints a table or, with --json, one JSON object as its last line. SIGTERM and SIGINT end it with
/// ExitCode::kStopped.
[[nodiscard]] preprocessing::Command TrainCommand();

/// `forkcast retrain`: the same with the pipeline of a published version, which keeps its alias
/// unless what was trained is better than that one, too.
[[nodiscard]] preprocessing::Command RetrainCommand();

/// `forkcast evaluate`: the validation alone; publishes nothing.
[[nodiscard]] preprocessing::Command EvaluateCommand();

}  // namespace forkcast::model
