#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast baseline`: learns a constraints file, of what a model was trained on, of the rows of a
/// pipeline's tables, or of both.
[[nodiscard]] preprocessing::Command BaselineCommand();

}  // namespace forkcast::model
