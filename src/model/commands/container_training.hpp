#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// The command `train` of the program: TrainCommand(), and without any word, when the platform's
/// folder (SAGEMAKER_BASE_DIR, or /opt/ml) has input/config/hyperparameters.json, a container's
/// training job (docs/operations.md): the CSV files of all channels are taken into a store that is
/// thrown away at the end, the pipeline is trained with the hyperparameters applied, and the
/// version's files are put into the folder `model`, all of them or none; a model that does not beat
/// its baselines is none unless force_promote is set. Whatever prevents a model is written to
/// output/failure. On all hosts but the first it does nothing. SIGTERM and SIGINT end it with
/// ExitCode::kStopped.
[[nodiscard]] preprocessing::Command TrainOrContainerCommand();

}  // namespace forkcast::model
