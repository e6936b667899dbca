#pragma once

#include <memory>

#include "model/learn/linear/linear_options.hpp"
#include "model/learn/trainer.hpp"

/// The trainers of linear models.
namespace forkcast::model {

/// Of options that were not declared.
[[nodiscard]] std::unique_ptr<const Trainer> MakeLinearTrainer(const LinearOptions& options);

// Each is a TrainerKind::make.

[[nodiscard]] std::unique_ptr<const Trainer> MakeRidge(const TrainerDeclaration& declaration);
[[nodiscard]] std::unique_ptr<const Trainer> MakeLasso(const TrainerDeclaration& declaration);
[[nodiscard]] std::unique_ptr<const Trainer> MakeElasticNet(const TrainerDeclaration& declaration);
[[nodiscard]] std::unique_ptr<const Trainer> MakeLogistic(const TrainerDeclaration& declaration);

}  // namespace forkcast::model
