#pragma once

#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// A document as people write it: what fits on a line stands on one.
[[nodiscard]] std::string PipelineText(const nlohmann::ordered_json& document);

}  // namespace forkcast::model
