#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/learn/trainer.hpp"
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// What training leaves of a model beside what answers.
struct TrainedParts {
  std::vector<ModelPart> published;            ///< As TrainedModel::parts.
  std::vector<FeatureImportance> importances;  ///< The same.
};

/// A model as training leaves it: what is judged, which is what will serve, and what is published.
struct TrainedPredictor {
  Predictor predictor;
  TrainedParts parts;
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

/// Fits transforms on the rows that are learned from, and trains a model on what they make of all.
/// Nothing when `on_round` cancelled. As FittedTransforms::Fit and Trainer::Train.
[[nodiscard]] Result<std::optional<TrainedPredictor>> FitModel(
    const Trainer& trainer, const LearningSetting& setting, const ModelInputs& inputs,
    const RowsToFit& rows, TrainedAnswer answer, const OnRound& on_round);

}  // namespace forkcast::model
