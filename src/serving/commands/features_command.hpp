#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::serving {

/// `forkcast features`.
[[nodiscard]] preprocessing::Command FeaturesCommand();

}  // namespace forkcast::serving
