#include "model/learn/xgboost/growing.hpp"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/learn/xgboost/parameter_text.hpp"
#include "model/learn/xgboost/tree_algorithm.hpp"
#include "model/predict/published_kinds.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/shap_compiler.hpp"
#include "model/tree/tree_shap.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace forkcast::model {
namespace {

/// Of the loss that all splits took away.
Result<std::vector<FeatureImportance>> ImportancesOf(const Booster& booster,
                                                     std::span<const std::string> features) {
  const Result<std::vector<Booster::Gain>> gains = booster.TotalGains();
  if (!gains) return gains.error();
  double sum = 0;
  for (const Booster::Gain& gain : *gains) sum += gain.total;
  std::vector<FeatureImportance> importances;
  for (const std::string& feature : features) {
    const auto found = std::ranges::find(*gains, feature, &Booster::Gain::feature);
    const double total = found == gains->end() ? 0 : found->total;
    importances.push_back({feature, sum > 0 ? total / sum : 0});
  }
  std::ranges::stable_sort(importances, std::ranges::greater{}, &FeatureImportance::share);
  return importances;
}

}  // namespace

Status ConfigureBooster(Booster& booster, const TreeOptions& options, double base_score,
                        double learning_rate) {
  const std::initializer_list<std::pair<const char*, std::string>> parameters{
      {"tree_method", "hist"},
      {"nthread", TextOf(ThreadsOf(options))},
      {"seed", TextOf(options.seed)},
      {"base_score", TextOf(static_cast<float>(base_score))},
      {"learning_rate", TextOf(static_cast<float>(learning_rate))},
      {"max_depth", TextOf(options.max_depth)},
      {"max_leaves", TextOf(options.max_leaves)},
      {"grow_policy", options.max_leaves > 0 ? "lossguide" : "depthwise"},
      {"colsample_bytree", TextOf(static_cast<float>(options.columns_per_tree))},
      {"colsample_bynode", TextOf(static_cast<float>(options.columns_per_node))},
      {"min_child_weight", TextOf(static_cast<float>(options.min_child_weight))},
      {"lambda", TextOf(static_cast<float>(options.lambda))},
      {"gamma", TextOf(static_cast<float>(options.min_gain))},
      {"max_bin", TextOf(options.max_bins)},
  };
  for (const auto& [name, value] : parameters) {
    if (Status set = booster.Set(name, value); !set) return set;
  }
  return {};
}

Result<std::optional<TrainedModel>> FinishTraining(std::unique_ptr<Booster> booster,
                                                   const TrainingRows& rows,
                                                   const TreeOptions& options,
                                                   std::optional<double> validation_error) {
  if (booster == nullptr) return std::optional<TrainedModel>();
  Status described =
      booster->Describe(rows.features, options.algorithm->name, ToString(options.task));
  if (!described) return std::move(described).error();
  const Result<std::size_t> rounds = booster->RoundCount();
  if (!rounds) return rounds.error();
  Result<std::vector<FeatureImportance>> importances = ImportancesOf(*booster, rows.features);
  if (!importances) return std::move(importances).error();
  Result<std::string> trees = booster->Save("ubj");
  if (!trees) return std::move(trees).error();
  booster.reset();
  const Result<ForestSource> source = ReadXGBoost(*trees);
  if (!source) return source.error();
  std::string compiled = CompileForest(*source);
  Result<Forest> forest = Forest::FromBytes(compiled);
  if (!forest) return std::move(forest).error();
  std::string explaining = CompileShap(*source);
  Result<TreeShap> shap = TreeShap::FromBytes(explaining);
  if (!shap) return std::move(shap).error();
  TrainedModel trained{.scoring = ScoringOf(*std::move(forest)),
                       .parts = {},
                       .importances = *std::move(importances),
                       .rounds = *rounds,
                       .validation_error = validation_error};
  trained.parts.push_back({kXGBoostEnding, *std::move(trees)});
  trained.parts.push_back({kForestEnding, std::move(compiled)});
  trained.scoring.explainer = std::make_unique<const TreeShap>(*std::move(shap));
  trained.parts.push_back({kShapEnding, std::move(explaining)});
  return std::optional(std::move(trained));
}

bool ReportRound(TrainingProgress& progress, const OnRound& on_round,
                 std::optional<double> validation_error) {
  ++progress.round;
  progress.validation_error = validation_error;
  return !on_round || on_round(progress);
}

}  // namespace forkcast::model
