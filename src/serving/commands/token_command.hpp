#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast token`: makes, lists and revokes the tokens that callers show to a server.
[[nodiscard]] preprocessing::Command TokenCommand();

}  // namespace forkcast::serving
