#pragma once

#include <memory>

#include "model/learn/trainer.hpp"
#include "model/learn/xgboost/tree_options.hpp"

/// The trainers that grow trees by XGBoost.
namespace forkcast::model {

/// Of options that were not declared; its Train() takes the setting that it is given.
[[nodiscard]] std::unique_ptr<const Trainer> MakeTreeTrainer(const TreeOptions& options);

// Each is a TrainerKind::make.

[[nodiscard]] std::unique_ptr<const Trainer> MakeRandomForest(
    const TrainerDeclaration& declaration);
[[nodiscard]] std::unique_ptr<const Trainer> MakeGradientBoosting(
    const TrainerDeclaration& declaration);

}  // namespace forkcast::model
