#pragma once

#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {

/// reference.json of a version (artefact/FORMAT.md): what its training rows and its judged answers
/// looked like, against which live traffic can be compared later.
struct Reference {
  static constexpr const char* kFile = "reference.json";

  nlohmann::ordered_json features;  ///< By name, each a ReferenceOf().
  nlohmann::ordered_json outputs;   ///< The same of what the model answers: "value", "class" ...

  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  /// What ToJson() wrote, or what was written before there was one form for all kinds. Throws
  /// SpecError naming the path.
  static Reference FromJson(const preprocessing::JsonNode& root);

  friend bool operator==(const Reference&, const Reference&) = default;
};

}  // namespace forkcast::model
