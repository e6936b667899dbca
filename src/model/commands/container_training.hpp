#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::model {

/// The command `train` of the program. With arguments it is RunTrainCommand(). Without any, and
/// when the platform's folder (SAGEMAKER_BASE_DIR, or /opt/ml) has
/// input/config/hyperparameters.json, it is a container's training job (docs/operations.md):
/// the CSV files of all channels are taken into a store that is thrown away at the end, the
/// pipeline is trained with the hyperparameters applied, and the version's files are put into the
/// folder `model`, all of them or none; a model that does not beat its baselines is none unless
/// force_promote is set. Whatever prevents a model is written to output/failure. On all hosts but
/// the first it does nothing. Returns a TrainExit. SIGTERM and SIGINT end it with kStopped.
int RunTrainProgram(const std::vector<std::string>& arguments,
                    const preprocessing::CommandContext& context);

}  // namespace forkcast::model
