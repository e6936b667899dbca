#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast capture list | show | export`: what the recorder wrote into a store (the capture
/// hook's setting `store`).
[[nodiscard]] preprocessing::Command CaptureCommand();

}  // namespace forkcast::serving
