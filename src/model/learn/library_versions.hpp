#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model/learn/trainer.hpp"

namespace forkcast::model {

/// The versions that may change the bytes of a model that `trainer` (null: none of those that use a
/// library) learned, for its manifest.
[[nodiscard]] nlohmann::ordered_json LibraryVersions(const Trainer* trainer);

}  // namespace forkcast::model
