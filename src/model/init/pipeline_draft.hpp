#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// A pipeline that was made of a file, and what its owner should know of it.
struct PipelineDraft {
  nlohmann::ordered_json document;
  nlohmann::ordered_json question;    ///< A request to try the served model by; may be null.
  std::vector<std::string> choices;   ///< What was chosen, and why.
  std::vector<std::string> warnings;  ///< What was seen in the data that may hurt.
};

}  // namespace forkcast::model
