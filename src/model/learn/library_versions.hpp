#pragma once

#include <nlohmann/json_fwd.hpp>

namespace forkcast::model {

/// The versions that may change a model's bytes, for its manifest.
[[nodiscard]] nlohmann::ordered_json LibraryVersions();

}  // namespace forkcast::model
