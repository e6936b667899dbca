#include "model/learn/xgboost/growing.hpp"

#include <initializer_list>
#include <string>
#include <utility>

#include "model/learn/xgboost/parameter_text.hpp"

namespace forkcast::model {

Status ConfigureBooster(Booster& booster, const TrainerOptions& options, double base_score,
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

Result<std::optional<TrainingResult>> FinishTraining(std::unique_ptr<Booster> booster,
                                                     const TrainingRows& rows,
                                                     const TrainerOptions& options,
                                                     std::optional<double> validation_error) {
  if (booster == nullptr) return std::optional<TrainingResult>();
  Status described =
      booster->Describe(rows.features, ToString(options.algorithm), ToString(options.task));
  if (!described) return std::move(described).error();
  Result<TreeModel> model = TreeModel::Make(std::move(booster));
  if (!model) return std::move(model).error();
  return std::optional(
      TrainingResult{.model = *std::move(model), .validation_error = validation_error});
}

bool ReportRound(TrainingProgress& progress, const OnRound& on_round,
                 std::optional<double> validation_error) {
  ++progress.round;
  progress.validation_error = validation_error;
  return !on_round || on_round(progress);
}

}  // namespace forkcast::model
