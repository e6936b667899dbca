#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast init`: from a file of rows to a pipeline that works as it stands.
[[nodiscard]] preprocessing::Command InitCommand();

}  // namespace forkcast::model
