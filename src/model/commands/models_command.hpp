#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast models list | show | promote | import | compare | prune`: versions of models in a
/// folder. Prints a table or, with --json, one JSON value.
[[nodiscard]] preprocessing::Command ModelsCommand();

}  // namespace forkcast::model
