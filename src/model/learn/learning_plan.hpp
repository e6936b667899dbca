#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/learn/parameter_search.hpp"
#include "model/learn/training_job.hpp"
#include "model/learn/xgboost/trainer.hpp"

namespace forkcast::model {

/// What the sections `training` of all kinds of pipelines say alike: what a model sees and how it
/// learns.
struct LearningPlan {
  TrainerOptions trainer;
  ModelInputs inputs;
  /// The feature, by its position, that says how much a row counts; none: all count alike.
  std::optional<std::size_t> weight;
  std::optional<SearchSpec> search;
};

/// Reads the members "model", "hidden", "transforms", "weight" and "search" of a pipeline's
/// `training`. `judged_by`: its members that a search may not change (see ReadSearchSpec). Throws
/// SpecError naming the path.
[[nodiscard]] LearningPlan ReadLearningPlan(const preprocessing::JsonNode& training,
                                            const preprocessing::PipelineSpec& spec,
                                            std::initializer_list<std::string_view> judged_by);

/// Puts what the user gave beside the document into its plan: seed and threads.
void Override(LearningPlan& plan, const JobSources& sources);

}  // namespace forkcast::model
