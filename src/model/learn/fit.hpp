#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/fitted_transforms.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/learn/xgboost/trainer.hpp"
#include "model/learn/xgboost/tree_model.hpp"

namespace forkcast::model {

/// A trained model with what belongs before and behind it: what is judged, what is published, and
/// what is read back. Never changes; thread-safe.
struct Fit {
  FittedTransforms transforms;
  /// What the model learned in place of the target; none: the target itself, or classes.
  std::optional<TargetTransform> target;
  TreeModel trees;

  /// The floats that the model reads of rows of `table`, row-major. As FittedTransforms::Transform.
  [[nodiscard]] Result<std::vector<float>> Matrix(const FeatureTable& table,
                                                  std::span<const std::uint32_t> rows) const {
    return transforms.Transform(table, rows);
  }
  /// Of each row of `matrix`: of a regression the value, NaN when there is none; else the
  /// probability of each class, row-major. `references`: one a row where there is a target
  /// transform. As TreeModel::Predict.
  [[nodiscard]] Result<std::vector<double>> Predict(
      std::span<const float> matrix, std::span<const TargetReference> references = {}) const;
};

/// What one model learns from. All views outlive the training.
struct RowsToFit {
  const FeatureTable& features;
  std::span<const std::uint32_t> rows;  ///< Of `features`, in the order of time.
  std::span<const double> target;       ///< One of `rows` each: what the model learns.
  std::span<const double> weights{};    ///< The same; empty: all count alike.
  /// One a row of `features`, read at `rows` alone: what a category's target mean is the mean of.
  std::span<const double> encoded{};
  std::size_t validation_rows = 0;  ///< ValidationRowsOf() their times.
};

/// So many rows at the end say when to stop, and are not learned from: 0 without early stopping.
/// `times`: ascending, one a row.
[[nodiscard]] std::size_t ValidationRowsOf(const TrainerOptions& options,
                                           std::span<const std::int64_t> times) noexcept;

/// Fits transforms on the rows that are learned from, and trains a model on what they make of all.
/// Nothing when `on_round` cancelled. As FittedTransforms::Fit and Trainer::Train.
[[nodiscard]] Result<std::optional<Fit>> FitModel(const TrainerOptions& options,
                                                  std::span<const TransformSpec> transforms,
                                                  const RowsToFit& rows, const OnRound& on_round);

}  // namespace forkcast::model
