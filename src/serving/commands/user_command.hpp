#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast user`: makes, lists, changes and removes the users that log in to a server.
[[nodiscard]] preprocessing::Command UserCommand();

}  // namespace forkcast::serving
