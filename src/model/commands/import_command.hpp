#pragma once

#include <vector>

#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

struct ImportRequest;

/// Flags that say what the inputs of a model are and what it answers: --pipeline, --inputs,
/// --classes.
[[nodiscard]] std::vector<preprocessing::Flag> InputFlags();
void ReadInputFlags(const preprocessing::Arguments& arguments, ImportRequest& request);

/// `forkcast models import`, a verb of ModelsCommand(): publishes a model that was trained
/// elsewhere. `alias`: the flag that says which alias is moved, as other verbs have it.
[[nodiscard]] preprocessing::Command ImportVerb(preprocessing::Flag alias);

}  // namespace forkcast::model
