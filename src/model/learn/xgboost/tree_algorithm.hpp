#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/xgboost/tree_options.hpp"

/// What is to be known of a way to grow trees by XGBoost; each is beside its trainer.
namespace forkcast::model {

/// A member of a declaration that has no meaning for an algorithm, and why.
struct RefusedMember {
  const char* name;
  const char* why;
};

struct TreeAlgorithm {
  std::string_view name;      ///< In declarations and in model files.
  TreeOptions (*defaults)();  ///< The options with which a declaration begins.
  double most_row_share = 1;
  const char* no_absolute_error = nullptr;  ///< Why that is no objective of it; null: it is one.
  std::span<const RefusedMember> refused{};
  /// As Trainer::Train, by `options`, the setting's included.
  Result<std::optional<TrainedModel>> (*train)(const TreeOptions& options, const TrainingRows& rows,
                                               const OnRound& on_round);
};

extern const TreeAlgorithm kRandomForest;
extern const TreeAlgorithm kGradientBoosting;

}  // namespace forkcast::model
