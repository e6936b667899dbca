#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/fitted_transforms.hpp"

namespace forkcast::model {

/// Turns features into the floats that a trained model reads: which of a pipeline's features it
/// sees, and the transforms that were fitted on them. Never changes; thread-safe.
class FittedEncoder {
 public:
  /// `positions`: of the transforms' inputs() among the pipeline's features.
  FittedEncoder(FittedTransforms transforms, std::vector<std::size_t> positions)
      : transforms_(std::move(transforms)), positions_(std::move(positions)) {}

  [[nodiscard]] const FittedTransforms& transforms() const noexcept { return transforms_; }
  [[nodiscard]] std::size_t input_count() const noexcept { return transforms_.outputs().size(); }
  /// The pipeline's feature that a float is made of.
  [[nodiscard]] std::size_t FeatureOf(std::size_t input) const noexcept {
    return positions_[transforms_.InputOf(input)];
  }

  /// `features`: one row in the pipeline's order, with those that are hidden. As
  /// FittedTransforms::TransformRow.
  Status Encode(std::span<const preprocessing::Value> features, std::span<float> inputs) const {
    return transforms_.TransformRow(features, positions_, inputs);
  }
  /// The same of rows of `table`, whose columns are those that the model sees, bit for bit. As
  /// FittedTransforms::Transform.
  [[nodiscard]] Result<std::vector<float>> Encode(const FeatureTable& table,
                                                  std::span<const std::uint32_t> rows) const {
    return transforms_.Transform(table, rows);
  }

  friend bool operator==(const FittedEncoder&, const FittedEncoder&) = default;

 private:
  FittedTransforms transforms_;
  std::vector<std::size_t> positions_;
};

}  // namespace forkcast::model
