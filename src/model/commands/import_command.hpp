#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast models import`, a verb of ModelsCommand(): publishes a model that was trained
/// elsewhere. `alias`: the flag that says which alias is moved, as other verbs have it.
[[nodiscard]] preprocessing::Command ImportVerb(preprocessing::Flag alias);

}  // namespace forkcast::model
