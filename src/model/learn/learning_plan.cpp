#include "model/learn/learning_plan.hpp"

namespace forkcast::model {

LearningPlan ReadLearningPlan(const preprocessing::JsonNode& training,
                              const preprocessing::PipelineSpec& spec, const PlanReading& reading) {
  const preprocessing::JsonNode model = training.Get("model");
  LearningPlan plan;
  plan.setting = ReadLearningSetting(model);
  if (!reading.trainers.empty()) {
    plan.trainer =
        MakeTrainer(reading.trainers,
                    {.node = model, .setting = plan.setting, .of_few_rows = reading.of_few_rows});
  }
  plan.inputs = ReadModelInputs(training, spec);
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

void Override(LearningPlan& plan, const JobSources& sources) {
  if (sources.seed) plan.setting.seed = *sources.seed;
  if (sources.threads) plan.setting.threads = *sources.threads;
}

}  // namespace forkcast::model
