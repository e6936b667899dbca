#include "model/forecast/training_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/pipeline/feature_groups.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;

constexpr std::int64_t kMaxPeriods = 1'000'000;

std::size_t Periods(const JsonNode& node) {
  return static_cast<std::size_t>(node.Integer(1, kMaxPeriods));
}

void ReadTarget(const JsonNode& node, const PipelineSpec& spec, TrainingPlan& plan) {
  node.RequireObject({"transform", "scale", "anchor", "not_negative"});
  if (const auto transform = node.Find("transform")) plan.target = ReadTargetTransform(*transform);
  const auto reference = [&](const char* member, const char* step, bool needed,
                             std::optional<std::size_t>& feature) {
    const auto given = node.Find(member);
    if (given && !needed) {
      given->Fail(fmt::format(
          "only the step \"{}\" reads it: add that to \"transform\", or take this away", step));
    }
    if (!given && needed) {
      node.Fail(
          fmt::format("\"{}\" is missing: the step \"{}\" reads a feature for it", member, step));
    }
    if (given) feature = RequireNumberFeature(*given, spec);
  };
  reference("scale", "scale", plan.target.needs_scale(), plan.scale);
  reference("anchor", "difference", plan.target.needs_anchor(), plan.anchor);
  if (const auto not_negative = node.Find("not_negative")) {
    plan.not_negative = not_negative->Bool();
  }
}

bool CanDecide(Metric metric) { return metric->best == MetricRow::Best::kLeast; }

Metric ReadMetric(const JsonNode& node) {
  const std::optional<Metric> metric = Metric::Named(node.String());
  if (metric && CanDecide(*metric)) return *metric;
  std::vector<std::string_view> names;
  for (const Metric one : Metric::All()) {
    if (CanDecide(one)) names.push_back(one->name);
  }
  const std::string_view last = names.back();
  names.pop_back();
  node.Fail(fmt::format("expected {} or {}", fmt::join(names, ", "), last));
}

ModelScope ReadScope(const JsonNode& training) {
  const auto scope = training.Find("scope");
  if (!scope) return ModelScope::kGlobal;
  const std::string name = scope->String();
  if (name != "global" && name != "per_key") scope->Fail("expected global or per_key");
  return name == "per_key" ? ModelScope::kPerKey : ModelScope::kGlobal;
}

}  // namespace

PeriodRange TrainingPlan::Learned(PeriodRange train) const noexcept {
  if (window) {
    train.first = std::max(train.first, train.last - static_cast<std::int64_t>(*window) + 1);
  }
  return train;
}

PeriodRange TrainingPlan::Needed(PeriodRange periods,
                                 std::span<const Fold> folds_of) const noexcept {
  PeriodRange needed = Learned(periods);
  for (const Fold& fold : folds_of) {
    // A gap lies between what a fold learns from and what it is judged by.
    needed.first = std::min(needed.first, std::min(Learned(fold.train).first, fold.test.first));
  }
  return needed;
}

TrainingPlan ReadTrainingPlan(const JsonNode& root, const PipelineSpec& spec,
                              std::span<const TrainerKind> trainers) {
  if (!spec.forecast) root.Fail("the pipeline has no \"forecast\" to train");
  const JsonNode node = root.Get("training");
  node.RequireObject({"model", "scope", "target", "transforms", "hidden", "weight", "window",
                      "half_life", "folds", "metric", "baselines", "mase_season", "min_judged",
                      "search"});
  const auto horizon = static_cast<std::size_t>(spec.forecast->horizon);
  TrainingPlan plan;
  plan.scope = ReadScope(node);
  static_cast<LearningPlan&>(plan) = ReadLearningPlan(
      node, spec,
      {.judged_by = {"folds", "metric", "baselines", "mase_season", "min_judged", "search"},
       .trainers = trainers,
       .of_few_rows = plan.scope == ModelScope::kPerKey});
  plan.groups = preprocessing::FeatureGroups(root.json());
  if (plan.setting.task != Task::kRegression) {
    node.Get("model").Fail("a forecast is a number: expected the task regression");
  }
  if (const auto target = node.Find("target")) ReadTarget(*target, spec, plan);
  if (const auto window = node.Find("window")) plan.window = Periods(*window);
  if (const auto half_life = node.Find("half_life")) {
    plan.half_life = half_life->Number(1e-3, static_cast<double>(kMaxPeriods));
  }
  static const ordered_json kDefaultFolds = ordered_json::object();
  const auto folds = node.Find("folds");
  plan.folds = ReadFoldSpec(folds ? *folds : JsonNode(kDefaultFolds), horizon);
  plan.metric = ReadMetric(node.Get("metric"));
  plan.baselines = ReadBaselines(node.Get("baselines"));
  if (const auto season = node.Find("mase_season")) plan.mase_season = Periods(*season);
  plan.min_judged = ReadMinJudged(node);
  return plan;
}

}  // namespace forkcast::model
