#pragma once

#include <memory>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/inputs/input_encoder.hpp"
#include "model/model.hpp"

namespace forkcast::model {

/// From a row of a pipeline's features to a model's outputs: the encoder and the model behind it,
/// which fit each other and the pipeline. What judges in training is what serves. Never changes;
/// thread-safe, each thread with scratch of its own.
class Predictor {
 public:
  /// Memory of one call, kept for the next; grows to the longest.
  struct Scratch {
    std::vector<float> rows;
  };

  /// `features`: the pipeline's, in the order of a row. kInvalidArgument as InputEncoder::Make().
  static Result<Predictor> Make(std::unique_ptr<const Model> model,
                                std::span<const preprocessing::FeatureSpec> features);

  /// Numbers that a row is answered with, in their order.
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept { return model_->outputs(); }

  /// `features`: row-major, n_rows x the pipeline's features; missing ones are the model's to deal
  /// with. `out`: row-major, n_rows x outputs().size(). Allocates nothing once `scratch` has grown.
  /// Precondition: out.size() is a multiple of outputs().size(), and features.size() of as many.
  void Predict(std::span<const preprocessing::Value> features, Scratch& scratch,
               std::span<double> out) const;

 private:
  Predictor(std::unique_ptr<const Model> model, InputEncoder encoder)
      : model_(std::move(model)), encoder_(std::move(encoder)) {}

  std::unique_ptr<const Model> model_;
  InputEncoder encoder_;  // views the model's inputs
};

/// What an output says: its number, or the category it stands for, as a view into `column`. NaN is
/// missing.
[[nodiscard]] preprocessing::Value OutputValue(const OutputColumn& column, double output) noexcept;

}  // namespace forkcast::model
