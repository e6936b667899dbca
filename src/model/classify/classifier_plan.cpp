#include "model/classify/classifier_plan.hpp"

#include <algorithm>

#include "data_preprocessing/pipeline/feature_groups.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::TableSpec;

void CheckLabel(const JsonNode& node, const PipelineSpec& spec) {
  const TableSpec& table = *std::ranges::find(spec.tables, spec.training->table, &TableSpec::name);
  const ColumnType type = table.schema.columns[*table.schema.Find(spec.training->label)].type;
  if (type == ColumnType::kDouble || type == ColumnType::kTimestamp) {
    node.Fail("column \"" + spec.training->label + "\" is " + std::string(ToString(type)) +
              ", expected a bool, text or int64, whose values are the classes");
  }
}

void RequireNothingOfTheLabel(const JsonNode& model) {
  for (const char* const member : {"task", "classes", "objective"}) {
    if (const auto given = model.Find(member)) given->Fail("a classifier's follows from its label");
  }
}

TimeSplitSpec ReadSplit(const JsonNode& node) {
  constexpr double kLeastShare = 1e-6;
  constexpr std::int64_t kMostSplits = 10'000;
  TimeSplitSpec split;
  if (const auto share = node.Find("test_share")) {
    split.test_share = share->Number(kLeastShare, 1 - kLeastShare);
  }
  if (const auto splits = node.Find("n_splits")) {
    split.n_splits = static_cast<std::size_t>(splits->Integer(1, kMostSplits));
  }
  if (const auto delay = node.Find("label_delay")) {
    const Result<std::chrono::microseconds> span = preprocessing::ParseDuration(delay->String());
    if (!span) delay->Fail(span.error().message);
    split.label_delay = *span;
  }
  return split;
}

ClassMetric ReadMetric(const JsonNode& node) {
  if (const auto metric = ClassMetric::Named(node.String())) return *metric;
  std::string names;
  for (const ClassMetric one : ClassMetric::All()) {
    names.append(names.empty() ? "" : " or ").append(one->name);
  }
  node.Fail("expected " + names);
}

}  // namespace

ClassifierPlan ReadClassifierPlan(const JsonNode& root, const PipelineSpec& spec,
                                  std::span<const TrainerKind> trainers) {
  if (!spec.training) {
    root.Fail("the pipeline has neither a \"forecast\" nor a \"training\" with a label to train");
  }
  const JsonNode node = root.Get("training");
  node.RequireObject({"table", "label", "model", "transforms", "hidden", "test_share", "n_splits",
                      "label_delay", "weight", "metric", "slices", "min_judged", "search"});
  CheckLabel(node.Get("label"), spec);
  RequireNothingOfTheLabel(node.Get("model"));
  ClassifierPlan plan;
  static_cast<LearningPlan&>(plan) =
      ReadLearningPlan(node, spec,
                       {.judged_by = {"table", "label", "test_share", "n_splits", "label_delay",
                                      "metric", "slices", "min_judged", "search"},
                        .trainers = trainers,
                        .of_classes = true});
  plan.groups = preprocessing::FeatureGroups(root.json());
  plan.split = ReadSplit(node);
  plan.metric = ReadMetric(node.Get("metric"));
  plan.min_judged = ReadMinJudged(node);
  if (const auto slices = node.Find("slices")) plan.slices = ReadSlices(*slices, spec.features);
  return plan;
}

}  // namespace forkcast::model
