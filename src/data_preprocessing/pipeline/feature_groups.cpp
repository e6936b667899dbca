#include "data_preprocessing/pipeline/feature_groups.hpp"

#include "data_preprocessing/pipeline/long_form.hpp"

namespace forkcast::preprocessing {

std::vector<std::string> FeatureGroups(const nlohmann::ordered_json& document) {
  std::vector<std::string> groups;
  const LongForm form = WriteOut(document);
  for (const nlohmann::ordered_json& feature : form.document.at("features")) {
    groups.push_back(feature.value("group", std::string()));
  }
  return groups;
}

}  // namespace forkcast::preprocessing
