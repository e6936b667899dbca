#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "model/learn/xgboost/trainer.hpp"

namespace forkcast::model {

/// A member of a declaration that has no meaning for an algorithm, and why.
struct RefusedMember {
  const char* name;
  const char* why;
};

/// An algorithm: a file with its Trainer, and a row of the table in trainer_kinds.cpp.
struct TrainerKind {
  Algorithm algorithm;
  std::string_view name;  ///< In declarations and in model files.
  TrainerOptions defaults;
  double most_row_share = 1;
  const char* no_absolute_error = nullptr;  ///< Why that is no objective of it; null: it is one.
  std::span<const RefusedMember> refused{};
  std::unique_ptr<Trainer> (*make)(const TrainerOptions& options);
};

/// In the order in which they are listed to users.
[[nodiscard]] std::span<const TrainerKind> TrainerKinds() noexcept;
[[nodiscard]] const TrainerKind& KindOf(Algorithm algorithm) noexcept;

[[nodiscard]] std::unique_ptr<Trainer> MakeForestTrainer(const TrainerOptions& options);
[[nodiscard]] std::unique_ptr<Trainer> MakeBoostingTrainer(const TrainerOptions& options);

}  // namespace forkcast::model
