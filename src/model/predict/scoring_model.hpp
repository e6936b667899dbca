#pragma once

#include <memory>

#include "model/explainer.hpp"
#include "model/model.hpp"

namespace forkcast::model {

/// A trained model, and what its outputs are: a number; the probability of the second of two
/// classes; or one number a class, in their order.
struct ScoringModel {
  std::unique_ptr<const Model> model;
  /// Whether the numbers of classes are shares that need not sum to 1 (ClassAnswer), rather than
  /// probabilities.
  bool are_shares = false;
  /// Says what its answers are made of; null where that is not known. May read the model.
  std::unique_ptr<const Explainer> explainer{};
};

}  // namespace forkcast::model
