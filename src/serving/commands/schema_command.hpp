#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast schema`: the JSON Schemas of the files that people write, for their editors.
[[nodiscard]] preprocessing::Command SchemaCommand();

}  // namespace forkcast::serving
