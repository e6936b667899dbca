#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/fitted_transforms.hpp"

namespace forkcast::model {

/// What a model sees of its pipeline's features, and what happens to it before.
struct ModelInputs {
  std::vector<std::size_t> features;       ///< Positions in the pipeline, ascending.
  std::vector<FeatureColumnSpec> columns;  ///< One a feature.
  std::vector<TransformSpec> transforms;   ///< Of some of them.
};

/// Reads the members "hidden" and "transforms" of a pipeline's "training"; all features that are
/// not hidden are seen. Throws SpecError naming the path of a feature that is not there or hidden,
/// a transform that does not fit to its feature, or a timestamp, which no model reads.
[[nodiscard]] ModelInputs ReadModelInputs(const preprocessing::JsonNode& training,
                                          const preprocessing::PipelineSpec& spec);

/// Position of a feature in the pipeline. Throws SpecError at `node` when there is none.
[[nodiscard]] std::size_t RequireFeature(const preprocessing::JsonNode& node,
                                         const std::string& name,
                                         const preprocessing::PipelineSpec& spec);

/// The same of a feature that `node` names and that is a number.
[[nodiscard]] std::size_t RequireNumberFeature(const preprocessing::JsonNode& node,
                                               const preprocessing::PipelineSpec& spec);

}  // namespace forkcast::model
