#include "model/forecast/training_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/pipeline/feature_groups.hpp"
#include "model/evaluate/intervals.hpp"

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
  const auto not_negative = node.Find("not_negative");
  if (!not_negative || !not_negative->Bool()) return;
  if (plan.output.minimum) {
    not_negative->Fail("\"output\" has a \"minimum\": take one of the two away");
  }
  plan.output.minimum = 0;
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

constexpr std::array<std::pair<CandidateChoice, std::string_view>, 4> kChoices{
    {{CandidateChoice::kOne, "one"},
     {CandidateChoice::kPerKey, "per_key"},
     {CandidateChoice::kMean, "mean"},
     {CandidateChoice::kWeightedMean, "weighted_mean"}}};

CandidateChoice ReadChoice(const JsonNode& node) {
  const std::string name = node.String();
  for (const auto& [choice, text] : kChoices) {
    if (text == name) return choice;
  }
  node.Fail("expected one, per_key, mean or weighted_mean");
}

void RequireKnownAlgorithm(const JsonNode& model, std::span<const TrainerKind> trainers) {
  const JsonNode algorithm = model.Get("algorithm");
  std::vector<std::string_view> names;
  for (const TrainerKind& kind : trainers) names.push_back(kind.name);
  for (const HistoryMethodKind& kind : HistoryMethodKinds()) names.push_back(kind.name);
  if (std::ranges::find(names, algorithm.String()) != names.end()) return;
  const std::string_view last = names.back();
  names.pop_back();
  algorithm.Fail(fmt::format("expected {} or {}", fmt::join(names, ", "), last));
}

/// Of an algorithm that learns from histories, which takes values as they are and no features.
void ReadHistoryLearner(const JsonNode& node, const PipelineSpec& spec, TrainingPlan& plan) {
  for (const char* const member :
       {"scope", "transforms", "hidden", "weight", "half_life", "search"}) {
    if (const auto given = node.Find(member)) {
      given->Fail(
          "has no meaning for an algorithm that learns from each key's history: take it away");
    }
  }
  if (!spec.SeriesNamed(spec.forecast->series).known_at.empty()) {
    const JsonNode algorithm = node.Get("model").Get("algorithm");
    algorithm.Fail(
        "reads the past as it is known now, and the series has \"known_at\", whose past changes: "
        "choose an algorithm that learns from features");
  }
  if (const auto target = node.Find("target")) {
    target->RequireObject({"not_negative"});
    ReadTarget(*target, spec, plan);
  }
  plan.setting = ReadLearningSetting(node.Get("model"));
  plan.scope = plan.history->learns() ? ModelScope::kPerKey : ModelScope::kGlobal;
}

void ReadFeatureLearner(const JsonNode& node, const PipelineSpec& spec,
                        std::span<const TrainerKind> trainers, TrainingPlan& plan) {
  plan.scope = ReadScope(node);
  static_cast<LearningPlan&>(plan) = ReadLearningPlan(
      node, spec,
      {.judged_by = {"folds", "metric", "baselines", "mase_season", "min_judged", "intervals",
                     "calibration_folds", "search", "ended_after", "hierarchy", "cold_start"},
       .trainers = trainers,
       .of_few_rows = plan.scope == ModelScope::kPerKey});
  if (plan.setting.task != Task::kRegression) {
    node.Get("model").Fail("a forecast is a number: expected the task regression");
  }
  if (const auto target = node.Find("target")) ReadTarget(*target, spec, plan);
  if (const auto half_life = node.Find("half_life")) {
    plan.half_life = half_life->Number(1e-3, static_cast<double>(kMaxPeriods));
  }
}

/// What learns and how: of `training`, or of a candidate.
void ReadLearner(const JsonNode& node, const PipelineSpec& spec,
                 std::span<const TrainerKind> trainers, TrainingPlan& plan) {
  const JsonNode model = node.Get("model");
  if (!trainers.empty()) RequireKnownAlgorithm(model, trainers);
  plan.history = FindHistoryMethod(model);
  if (plan.history) {
    ReadHistoryLearner(node, spec, plan);
  } else {
    ReadFeatureLearner(node, spec, trainers, plan);
  }
  if (const auto window = node.Find("window")) plan.window = Periods(*window);
}

/// The name that a candidate was given, or its algorithm, with a number where that is taken.
std::string NameFor(const JsonNode& node, const std::vector<TrainingPlan>& others) {
  const auto is_taken = [&others](const std::string& name) {
    return std::ranges::find(others, name, &TrainingPlan::name) != others.end();
  };
  if (const auto given = node.Find("name")) {
    if (is_taken(given->String())) given->Fail("given twice");
    return given->String();
  }
  const std::string algorithm = node.Get("model").Get("algorithm").String();
  std::string name = algorithm;
  for (std::size_t number = 2; is_taken(name); ++number) {
    name = fmt::format("{}_{}", algorithm, number);
  }
  return name;
}

void ReadCandidates(const JsonNode& training, const PipelineSpec& spec,
                    std::span<const TrainerKind> trainers, TrainingPlan& plan) {
  for (const char* const member : {"model", "scope", "target", "transforms", "hidden", "weight",
                                   "window", "half_life", "search"}) {
    if (const auto given = training.Find(member)) {
      given->Fail("each of \"candidates\" says it for itself: take it away");
    }
  }
  if (!plan.folds.refit) {
    training.Get("folds").Get("refit").Fail(
        "candidates are chosen anew in each fold: expected true");
  }
  const JsonNode all = training.Get("candidates");
  for (const JsonNode& node : all.Elements()) {
    node.RequireObject({"name", "model", "scope", "target", "transforms", "hidden", "weight",
                        "window", "half_life"});
    TrainingPlan candidate = plan;
    candidate.candidates.clear();
    candidate.output = {};
    ReadLearner(node, spec, trainers, candidate);
    candidate.name = NameFor(node, plan.candidates);
    plan.candidates.push_back(std::move(candidate));
  }
  if (plan.candidates.size() < 2) all.Fail("expected at least two");
  const bool have_minima = std::ranges::all_of(
      plan.candidates, [](const TrainingPlan& one) { return one.output.minimum.has_value(); });
  if (have_minima && !plan.output.minimum) plan.output.minimum = 0;
  if (const auto choose = training.Find("choose")) plan.choice = ReadChoice(*choose);
  constexpr std::int64_t kMostFolds = 1000;
  if (const auto folds = training.Find("choose_folds")) {
    plan.choice_folds = static_cast<std::size_t>(folds->Integer(1, kMostFolds));
  }
}

std::size_t ReadEndedAfter(const JsonNode& node, const PipelineSpec& spec) {
  if (!spec.SeriesNamed(spec.forecast->series).known_at.empty()) {
    node.Fail(
        "reads the past as it is known now, and the series has \"known_at\", whose past changes: "
        "take it away");
  }
  return Periods(node);
}

std::vector<ColdStartSpec> ReadColdStarts(const JsonNode& node, const PipelineSpec& spec) {
  std::vector<ColdStartSpec> rules;
  for (const JsonNode& element : node.Elements()) {
    const ColdStartRule rule = ReadColdStart(element);
    if (!rule) element.Fail("a refusal is nothing to judge: expected a baseline");
    if (std::ranges::find(rules, *rule) != rules.end()) element.Fail("given twice");
    if (const auto alike = element.json().is_object() ? element.Find("alike") : std::nullopt) {
      for (const JsonNode& name : alike->Elements()) (void)ReadKeyAttribute(name, spec);
    }
    rules.push_back(*rule);
  }
  if (rules.empty()) node.Fail("expected at least one rule, such as \"naive\"");
  return rules;
}

/// That the models' rows have the features of baselines that need some.
void RequireCells(const JsonNode& baselines, const TrainingPlan& plan) {
  const auto shown = std::ranges::find_if(plan.candidates, &TrainingPlan::reads_features);
  const bool has_features =
      plan.candidates.empty() ? plan.reads_features() : shown != plan.candidates.end();
  const auto& columns =
      shown == plan.candidates.end() ? plan.inputs.columns : shown->inputs.columns;
  for (const BaselineSpec& spec : plan.baselines) {
    for (const std::string& name : spec.cells) {
      if (has_features &&
          std::ranges::find(columns, name, &FeatureColumnSpec::name) != columns.end()) {
        continue;
      }
      baselines.Fail(
          fmt::format("quantile_table: \"{}\" is no feature that a model sees: expected "
                      "one that is not hidden",
                      name));
    }
  }
}

/// Ascending, whatever their order in the document.
std::vector<double> ReadLevels(const JsonNode& node) {
  std::vector<double> levels;
  std::vector<std::string> names;
  for (const JsonNode& element : node.Elements()) {
    const double level = element.Number(0, 1);
    // One that is named as 0 or 1 is one for all that can be told of it.
    const std::string name = LevelName(level);
    if (name == "0" || name == "100") {
      element.Fail(
          "expected a level above 0 and below 1, such as 0.8: the share of the values "
          "that are to lie in the interval");
    }
    if (std::ranges::find(names, name) != names.end()) {
      element.Fail(fmt::format("the level {:g} is given twice", level));
    }
    names.push_back(name);
    levels.push_back(level);
  }
  if (levels.empty()) node.Fail("expected at least one level, such as 0.8");
  std::ranges::sort(levels);
  return levels;
}

void ReadIntervals(const JsonNode& training, TrainingPlan& plan) {
  constexpr std::int64_t kMostFolds = 1000;
  const auto intervals = training.Find("intervals");
  const auto folds = training.Find("calibration_folds");
  if (!intervals) {
    if (folds) folds->Fail("only \"intervals\" are calibrated: add them, or take this away");
    return;
  }
  plan.intervals = ReadLevels(*intervals);
  plan.calibration_folds =
      folds ? static_cast<std::size_t>(folds->Integer(0, kMostFolds)) : std::size_t{1};
}

}  // namespace

std::string_view ToString(CandidateChoice choice) noexcept {
  return std::ranges::find(kChoices, choice, &std::pair<CandidateChoice, std::string_view>::first)
      ->second;
}

bool TrainingPlan::reads_features() const noexcept {
  return candidates.empty() ? history == nullptr
                            : std::ranges::any_of(candidates, &TrainingPlan::reads_features);
}

std::size_t TrainingPlan::FoldsApart() const noexcept {
  const std::size_t step = folds.step.value_or(folds.horizon);
  return (folds.horizon + folds.gap + step - 1) / step;
}

FoldSpec TrainingPlan::CandidateFolds() const noexcept {
  FoldSpec all = folds;
  all.n_splits += FoldsApart() - 1 + choice_folds + calibration_folds;
  return all;
}

std::vector<Fold> ValidationFolds::All() const {
  std::vector<Fold> all = choice;
  all.insert(all.end(), calibration.begin(), calibration.end());
  all.insert(all.end(), judged.begin(), judged.end());
  return all;
}

namespace {

Result<ValidationFolds> CandidateFoldsOf(const TrainingPlan& plan, PeriodRange periods) {
  const FoldSpec spec = plan.CandidateFolds();
  const Result<std::vector<Fold>> all = WalkForwardFolds(spec, periods);
  if (!all) {
    return Error{all.error().code,
                 fmt::format("{}: candidates need {} folds more than the {} that are judged, to be "
                             "chosen by: fewer \"choose_folds\" ({}), or a longer history",
                             all.error().message, spec.n_splits - plan.folds.n_splits,
                             plan.folds.n_splits, plan.choice_folds)};
  }
  const auto judged = all->end() - static_cast<std::ptrdiff_t>(plan.folds.n_splits);
  const auto calibration = judged - static_cast<std::ptrdiff_t>(plan.calibration_folds);
  return ValidationFolds{.choice = {all->begin(), calibration},
                         .calibration = {calibration, judged},
                         .judged = {judged, all->end()}};
}

}  // namespace

Result<ValidationFolds> FoldsOf(const TrainingPlan& plan, PeriodRange periods) {
  if (!plan.candidates.empty()) return CandidateFoldsOf(plan, periods);
  Result<std::vector<Fold>> judged = WalkForwardFolds(plan.folds, periods);
  if (!judged) return std::move(judged).error();
  Result<std::vector<Fold>> calibration =
      FoldsBefore(plan.folds, periods, judged->front(), plan.calibration_folds);
  if (!calibration) {
    return Error{calibration.error().code,
                 fmt::format("{}: \"calibration_folds\" says how many, and 0 leaves the first fold "
                             "without intervals",
                             calibration.error().message)};
  }
  return ValidationFolds{
      .choice = {}, .calibration = *std::move(calibration), .judged = *std::move(judged)};
}

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
  node.RequireObject({"model",       "scope",      "target",    "output",
                      "transforms",  "hidden",     "weight",    "window",
                      "half_life",   "folds",      "metric",    "baselines",
                      "mase_season", "min_judged", "intervals", "calibration_folds",
                      "search",      "candidates", "choose",    "choose_folds",
                      "ended_after", "hierarchy",  "cold_start"});
  const auto horizon = static_cast<std::size_t>(spec.forecast->horizon);
  TrainingPlan plan;
  if (const auto output = node.Find("output")) plan.output = ReadOutputRule(*output);
  const bool has_candidates = node.Find("candidates").has_value();
  if (!has_candidates) {
    for (const char* const member : {"choose", "choose_folds"}) {
      const auto given = node.Find(member);
      if (given) given->Fail("there are no \"candidates\" to choose from");
    }
    ReadLearner(node, spec, trainers, plan);
  }
  static const ordered_json kDefaultFolds = ordered_json::object();
  const auto folds = node.Find("folds");
  plan.folds = ReadFoldSpec(folds ? *folds : JsonNode(kDefaultFolds), horizon);
  plan.metric = ReadMetric(node.Get("metric"));
  plan.baselines = ReadBaselines(node.Get("baselines"));
  if (const auto season = node.Find("mase_season")) plan.mase_season = Periods(*season);
  plan.min_judged = ReadMinJudged(node);
  if (const auto ended = node.Find("ended_after")) plan.ended_after = ReadEndedAfter(*ended, spec);
  if (has_candidates) ReadCandidates(node, spec, trainers, plan);
  plan.groups = preprocessing::FeatureGroups(root.json());
  for (TrainingPlan& candidate : plan.candidates) candidate.groups = plan.groups;
  RequireCells(node.Get("baselines"), plan);
  ReadIntervals(node, plan);
  if (const auto hierarchy = node.Find("hierarchy")) {
    plan.hierarchy = ReadHierarchy(*hierarchy, spec);
  }
  if (const auto rules = node.Find("cold_start")) plan.cold_starts = ReadColdStarts(*rules, spec);
  return plan;
}

}  // namespace forkcast::model
