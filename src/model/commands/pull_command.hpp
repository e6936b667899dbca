#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// The verb `pull` of `forkcast models`. `alias`: its flag that names an alias.
[[nodiscard]] preprocessing::Command PullVerb(preprocessing::Flag alias);

}  // namespace forkcast::model
