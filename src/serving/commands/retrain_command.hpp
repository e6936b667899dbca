#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast retrain`, which the program forkcast-train does: with --deploy that is told what the
/// server's configuration says of the deployment.
[[nodiscard]] preprocessing::Command RetrainCommand();

}  // namespace forkcast::serving
