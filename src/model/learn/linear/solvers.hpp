#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <optional>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/learn/linear/design.hpp"
#include "model/learn/linear/linear_options.hpp"
#include "model/linear/linear_model.hpp"

/// How the coefficients of the algorithms are found. All end with a result that does not depend on
/// the number of threads: there is one.
namespace forkcast::model {

struct SolvedOutputs {
  std::vector<LinearOutput> outputs;
  std::size_t rounds = 1;
};
/// Nothing when cancelled.
using Solution = Result<std::optional<SolvedOutputs>>;

/// The rows of a regression as fewer ones of equal squares: with A the terms less their means, b
/// the target less its, and rows times the root of their weights, |A c - b|^2 is the same for all
/// c, but a constant. Where there are more rows than terms, they are replaced by the triangle of a
/// QR decomposition, block by block.
struct CentredSquares {
  Eigen::MatrixXd terms;   ///< A
  Eigen::VectorXd target;  ///< b
};
[[nodiscard]] CentredSquares Centre(const Design& design, const Design::Moments& moments);

/// The output of coefficients that were found of centred rows.
[[nodiscard]] LinearOutput OutputOf(const Eigen::VectorXd& coefficients,
                                    const Design::Moments& moments);

/// kRidge. kInvalidArgument where alpha is 0 and the terms say the same, so that no coefficients
/// are better than others; it names them by `features`.
[[nodiscard]] Solution SolveRidge(const Design& design, const LinearSource& source,
                                  const LinearOptions& options, const OnRound& on_round);

/// kLasso and kElasticNet: coordinate descent (Friedman, Hastie, Tibshirani 2010) until the duality
/// gap is small. kInvalidArgument when it is not by max_rounds.
[[nodiscard]] Solution SolveElasticNet(const Design& design, const LinearOptions& options,
                                       const OnRound& on_round);

/// kLogistic: Newton's method, of `classes` - 1 = 1 or of all classes. kInvalidArgument for more
/// coefficients than its matrix has place for.
[[nodiscard]] Solution SolveLogistic(const Design& design, std::size_t classes,
                                     const LinearOptions& options, const OnRound& on_round);

}  // namespace forkcast::model
