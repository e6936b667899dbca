#include "model/learn/learning_plan.hpp"

namespace forkcast::model {

LearningPlan ReadLearningPlan(const preprocessing::JsonNode& training,
                              const preprocessing::PipelineSpec& spec,
                              std::initializer_list<std::string_view> judged_by) {
  LearningPlan plan;
  plan.trainer = ReadTrainerOptions(training.Get("model"));
  plan.inputs = ReadModelInputs(training, spec);
  if (const auto weight = training.Find("weight")) {
    plan.weight = RequireNumberFeature(*weight, spec);
  }
  if (const auto search = training.Find("search")) {
    plan.search = ReadSearchSpec(*search, judged_by);
  }
  return plan;
}

void Override(LearningPlan& plan, const JobSources& sources) {
  if (sources.seed) plan.trainer.seed = *sources.seed;
  if (sources.threads) plan.trainer.threads = *sources.threads;
}

}  // namespace forkcast::model
