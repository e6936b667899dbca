#include "model/inputs/model_inputs.hpp"

#include <algorithm>

namespace forkcast::model {

using preprocessing::ColumnType;
using preprocessing::FeatureSpec;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;

std::size_t RequireFeature(const JsonNode& node, const std::string& name,
                           const PipelineSpec& spec) {
  const auto found = std::ranges::find(spec.features, name, &FeatureSpec::name);
  if (found == spec.features.end()) node.Fail("no feature is called \"" + name + "\"");
  return static_cast<std::size_t>(found - spec.features.begin());
}

std::size_t RequireNumberFeature(const JsonNode& node, const PipelineSpec& spec) {
  const std::string name = node.String();
  const std::size_t feature = RequireFeature(node, name, spec);
  const ColumnType type = spec.features[feature].type;
  if (type != ColumnType::kInt64 && type != ColumnType::kDouble) {
    node.Fail("feature \"" + name + "\" is no number");
  }
  return feature;
}

ModelInputs ReadModelInputs(const JsonNode& training, const PipelineSpec& spec) {
  std::vector<bool> is_hidden(spec.features.size());
  if (const auto hidden = training.Find("hidden")) {
    for (const std::string& name : hidden->Strings()) {
      is_hidden[RequireFeature(*hidden, name, spec)] = true;
    }
    if (std::ranges::count(is_hidden, false) == 0) hidden->Fail("no feature is left");
  }
  ModelInputs inputs;
  for (std::size_t i = 0; i < spec.features.size(); ++i) {
    if (is_hidden[i]) continue;
    const FeatureSpec& feature = spec.features[i];
    Result<FeatureColumnSpec> column = FeatureColumnOf(feature.name, feature.type);
    if (!column) {
      training.Fail("feature \"" + feature.name +
                    "\" is a timestamp, which no model reads: hide it, or read the time since it");
    }
    inputs.features.push_back(i);
    inputs.columns.push_back(*std::move(column));
  }
  const auto transforms = training.Find("transforms");
  if (!transforms) return inputs;
  inputs.transforms = ReadTransforms(*transforms);
  for (const TransformSpec& transform : inputs.transforms) {
    const JsonNode node = transforms->Get(transform.feature);
    const std::size_t feature = RequireFeature(node, transform.feature, spec);
    if (is_hidden[feature]) node.Fail("the feature is hidden from the model");
    const auto at = std::ranges::find(inputs.features, feature) - inputs.features.begin();
    const Status fits = CheckFits(transform, inputs.columns[static_cast<std::size_t>(at)]);
    if (!fits) node.Fail(fits.error().message);
  }
  return inputs;
}

}  // namespace forkcast::model
