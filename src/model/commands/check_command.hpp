#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast check`: whether pipeline files can be used, without any data.
[[nodiscard]] preprocessing::Command CheckCommand();

}  // namespace forkcast::model
