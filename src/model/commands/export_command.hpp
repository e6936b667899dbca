#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast models export`, a verb of ModelsCommand(): writes a model that was trained here as a
/// file for other programs.
[[nodiscard]] preprocessing::Command ExportVerb();

}  // namespace forkcast::model
