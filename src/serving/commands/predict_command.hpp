#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast predict`: the forecasts of a published version for many keys, without a server.
[[nodiscard]] preprocessing::Command PredictCommand();

}  // namespace forkcast::serving
