#include "model/learn/learning_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "data_preprocessing/document/content_hash.hpp"

namespace forkcast::model {
namespace {

using preprocessing::FeatureSpec;

/// Why a feature, as its transform leaves it, may be no number that a model can add up; empty: it
/// is one.
std::string WhyNoNumber(const FeatureSpec& feature, const FeatureColumnSpec& column,
                        const TransformSpec& transform) {
  if (column.kind == FeatureKind::kNumber) {
    if (!feature.keeps_missing || transform.impute) return {};
    return fmt::format(
        "\"{0}\" may be missing (\"missing\": \"keep\"), and this algorithm takes no missing "
        "values: say what stands in (\"transforms\": {{\"{0}\": {{\"impute\": \"mean\"}}}}) or "
        "take \"keep\" away",
        feature.name);
  }
  if (transform.encoding != CategoryEncoding::kOrdinal) return {};
  return fmt::format(
      "\"{0}\" is a text, whose position in a list this algorithm cannot add up: say \"encode\": "
      "\"one_hot\" or \"target_mean\" (\"transforms\": {{\"{0}\": {{\"encode\": \"one_hot\"}}}})",
      feature.name);
}

/// For an algorithm that takes_missing_values() not.
void RequireNumbers(const preprocessing::JsonNode& algorithm,
                    const preprocessing::PipelineSpec& spec, const ModelInputs& inputs) {
  for (std::size_t i = 0; i < inputs.features.size(); ++i) {
    const FeatureSpec& feature = spec.features[inputs.features[i]];
    const auto found = std::ranges::find(inputs.transforms, feature.name, &TransformSpec::feature);
    const TransformSpec transform =
        found == inputs.transforms.end() ? TransformSpec{.feature = feature.name} : *found;
    const std::string why = WhyNoNumber(feature, inputs.columns[i], transform);
    if (!why.empty()) algorithm.Fail(why);
  }
}

/// Of names that the model must see.
void RequireSeen(const preprocessing::JsonNode& model, std::span<const std::string> names,
                 const ModelInputs& inputs) {
  for (const std::string& name : names) {
    if (std::ranges::find(inputs.columns, name, &FeatureColumnSpec::name) == inputs.columns.end()) {
      model.Fail(
          fmt::format("\"{}\" is no feature that the model sees: expected one that is not "
                      "hidden",
                      name));
    }
  }
}

}  // namespace

LearningPlan ReadLearningPlan(const preprocessing::JsonNode& training,
                              const preprocessing::PipelineSpec& spec, const PlanReading& reading) {
  const preprocessing::JsonNode model = training.Get("model");
  LearningPlan plan;
  plan.setting = ReadLearningSetting(model);
  if (!reading.trainers.empty()) {
    plan.trainer = MakeTrainer(reading.trainers, {.node = model,
                                                  .setting = plan.setting,
                                                  .of_few_rows = reading.of_few_rows,
                                                  .of_classes = reading.of_classes});
  }
  plan.inputs = ReadModelInputs(training, spec);
  if (plan.trainer != nullptr && !plan.trainer->takes_missing_values()) {
    RequireNumbers(model.Get("algorithm"), spec, plan.inputs);
  }
  if (plan.trainer != nullptr) RequireSeen(model, plan.trainer->needs(), plan.inputs);
  if (const auto weight = training.Find("weight")) {
    plan.weight = RequireNumberFeature(*weight, spec);
  }
  if (const auto search = training.Find("search")) {
    plan.search = ReadSearchSpec(*search, reading.judged_by);
  }
  return plan;
}

double ReadMinJudged(const preprocessing::JsonNode& training) {
  const auto share = training.Find("min_judged");
  return share ? share->Number(0, 1) : kLeastJudged;
}

void Override(LearningPlan& plan, const JobSources& sources, const std::string& name) {
  if (sources.seed) plan.setting.seed = *sources.seed;
  if (sources.threads) plan.setting.threads = *sources.threads;
  plan.fits = sources.fits;
  if (plan.fits != nullptr) plan.fits_name = name;
}

std::string NameOfPlan(const nlohmann::ordered_json& document) {
  return preprocessing::ContentHash(document.dump());
}

}  // namespace forkcast::model
