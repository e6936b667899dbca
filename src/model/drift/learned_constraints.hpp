#pragma once

#include "data_preprocessing/rules/constraints.hpp"
#include "model/drift/reference.hpp"

namespace forkcast::model {

/// constraints.json of a version: rules that its training rows keep, and of its outputs those that
/// its judged answers keep. Numbers lie between the least and the greatest, which are widened by
/// one float, since the reference has floats; a text is one of those that there were, unless there
/// were more than a rule may have; and a value is missing only where one was. Throws SpecError
/// where the reference is not as it should be.
[[nodiscard]] preprocessing::Constraints LearnConstraints(const Reference& reference);

}  // namespace forkcast::model
