#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "model/learn/trainer.hpp"
#include "model/linear/polynomial.hpp"

namespace forkcast::model {

enum class LinearAlgorithm {
  kRidge,       ///< sum of w (y - f)^2 + alpha |c|^2
  kLasso,       ///< elastic net with l1_ratio 1
  kElasticNet,  ///< mean of w (y - f)^2 / 2 + alpha (l1_ratio |c|_1 + (1 - l1_ratio) / 2 |c|^2)
  kLogistic,    ///< sum of w times log loss + alpha / 2 |c|^2
};

/// "ridge", "lasso", "elastic_net", "logistic".
[[nodiscard]] std::string_view ToString(LinearAlgorithm algorithm) noexcept;

/// By what features are chosen.
enum class FeatureScore {
  kFRegression,        ///< F of a regression on the feature alone.
  kFClassif,           ///< F of the analysis of variance between classes.
  kMutualInformation,  ///< Of three nearest neighbours: Kraskov et al. 2004, Ross 2014.
};

/// Learns from the k features of the greatest score alone.
struct BestFeatures {
  std::size_t k = 1;
  FeatureScore score = FeatureScore::kFRegression;

  friend bool operator==(const BestFeatures&, const BestFeatures&) = default;
};

/// How a linear model is learned. Names in a declaration are those of the members, if not said
/// otherwise; what they make small is said at LinearAlgorithm, with f the forecast, w the weights
/// and c the coefficients without the intercept.
struct LinearOptions {
  LinearAlgorithm algorithm = LinearAlgorithm::kRidge;
  double alpha = 1;
  double l1_ratio = 0.5;               ///< Of an elastic net alone, above 0.
  bool is_scaled = false;              ///< "scale": "standard"
  std::optional<BestFeatures> best{};  ///< "k_best"
  Polynomial polynomial{};
  /// Of lasso and elastic net alone: ends where the duality gap is at most this share of the sum of
  /// w (y - mean)^2.
  double tolerance = 1e-8;
  std::size_t max_rounds = 100'000;  ///< The same: passes over all coefficients.

  friend bool operator==(const LinearOptions&, const LinearOptions&) = default;
};

/// Reads {"algorithm": "ridge", "alpha": 0.1, "scale": "standard", "k_best": {"k": 7, "score":
/// "mutual_information"}, "polynomial": {"degree": 2, "interaction_only": true}, ...}. Throws
/// SpecError naming the path of an unknown member, a value out of its range, or one that has no
/// meaning for the algorithm.
[[nodiscard]] LinearOptions ReadLinearOptions(const TrainerDeclaration& declaration,
                                              LinearAlgorithm algorithm);

}  // namespace forkcast::model
