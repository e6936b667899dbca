#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast drift`: judges rows of a file against a version, shows the server's reports.
[[nodiscard]] preprocessing::Command DriftCommand();

}  // namespace forkcast::model
