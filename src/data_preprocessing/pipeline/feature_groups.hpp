#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {

/// What each feature of a pipeline's valid document is to a planner, its "group", such as "season";
/// empty where it does not say. Reasons are summed up by it.
[[nodiscard]] std::vector<std::string> FeatureGroups(const nlohmann::ordered_json& document);

}  // namespace forkcast::preprocessing
