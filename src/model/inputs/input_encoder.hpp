#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "model/model.hpp"

namespace forkcast::model {

/// Turns a row of features, as a pipeline computes them, into the floats that a model reads.
/// Thread-safe; allocates nothing.
class InputEncoder {
 public:
  /// kInvalidArgument when the model reads a feature that the pipeline does not have, or has with
  /// another type (a number is int64 or double, a category is text). `inputs` must outlive it.
  static Result<InputEncoder> Make(std::span<const InputColumn> inputs,
                                   std::span<const preprocessing::FeatureSpec> features);

  /// `features`: one row in the pipeline's order. `row`: one float for each of the model's inputs.
  /// A missing value becomes NaN; an integer beyond 2^24 is rounded to the nearest float.
  void Encode(std::span<const preprocessing::Value> features, std::span<float> row) const noexcept;

 private:
  explicit InputEncoder(std::span<const InputColumn> inputs) : inputs_(inputs) {}

  std::span<const InputColumn> inputs_;
  std::vector<std::size_t> positions_;  // of each input among the pipeline's features
};

}  // namespace forkcast::model
