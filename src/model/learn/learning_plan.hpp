#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/learn/model_fits.hpp"
#include "model/learn/parameter_search.hpp"
#include "model/learn/trainer.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// The share of the rows to judge that must have been judged for a model to be promoted, where a
/// plan does not say (`min_judged`): what is left out, a request would be refused for, too.
inline constexpr double kLeastJudged = 0.8;

/// Reads the member `min_judged` of `training`, from 0 to 1. Throws SpecError.
[[nodiscard]] double ReadMinJudged(const preprocessing::JsonNode& training);

/// What the sections `training` of all kinds of pipelines say alike: what a model sees and how it
/// learns.
struct LearningPlan {
  LearningSetting setting;
  /// None in a plan that was read to answer, not to train.
  std::shared_ptr<const Trainer> trainer;
  ModelInputs inputs;
  /// What each of the pipeline's features is to a planner (FeatureGroups()).
  std::vector<std::string> groups{};
  /// The feature, by its position, that says how much a row counts; none: all count alike.
  std::optional<std::size_t> weight;
  std::optional<SearchSpec> search;
  /// Where the models come from; null: they are trained. Outlives the plan.
  ModelFits* fits = nullptr;
  /// What tells this plan from all others of a run, in names of models: with `fits` alone.
  std::string fits_name{};
};

/// How a kind of pipeline reads its plan.
struct PlanReading {
  /// Members of `training` that a search may not change (see ReadSearchSpec).
  std::initializer_list<std::string_view> judged_by;
  /// Those that "algorithm" may name; none: no trainer is made, and of "model" only what all of
  /// them have alike is looked at.
  std::span<const TrainerKind> trainers;
  bool of_few_rows = false;  ///< As TrainerDeclaration::of_few_rows.
  bool of_classes = false;   ///< As TrainerDeclaration::of_classes.
};

/// Reads the members "model", "hidden", "transforms", "weight" and "search" of a pipeline's
/// `training`. Throws SpecError naming the path.
[[nodiscard]] LearningPlan ReadLearningPlan(const preprocessing::JsonNode& training,
                                            const preprocessing::PipelineSpec& spec,
                                            const PlanReading& reading);

/// Puts what the user gave beside the document into its plan: seed, threads, and where models come
/// from. `name`: of the document, as NameOfPlan().
void Override(LearningPlan& plan, const JobSources& sources, const std::string& name);

/// What tells the plan of a document from those of all others.
[[nodiscard]] std::string NameOfPlan(const nlohmann::ordered_json& document);

}  // namespace forkcast::model
