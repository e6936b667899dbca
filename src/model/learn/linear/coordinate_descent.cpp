#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/learn/linear/solvers.hpp"

namespace forkcast::model {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// |A c - b|^2 / 2 + l1 |c|_1 + l2 / 2 |c|^2
class Descent {
 public:
  Descent(const CentredSquares& rows, double l1, double l2)
      : rows_(rows),
        l1_(l1),
        l2_(l2),
        squares_(rows.terms.colwise().squaredNorm()),
        coefficients_(VectorXd::Zero(rows.terms.cols())),
        residual_(rows.target) {}

  /// The best value of each coefficient, the others being as they are. Returns the greatest change
  /// as a share of the greatest coefficient.
  double Pass() {
    double change = 0;
    double greatest = 0;
    for (Index j = 0; j < coefficients_.size(); ++j) {
      if (squares_[j] == 0) continue;
      const double before = coefficients_[j];
      const double pull = rows_.terms.col(j).dot(residual_) + before * squares_[j];
      const double after =
          std::copysign(std::max(std::abs(pull) - l1_, 0.0), pull) / (squares_[j] + l2_);
      if (after != before) residual_ += (before - after) * rows_.terms.col(j);
      coefficients_[j] = after;
      change = std::max(change, std::abs(after - before));
      greatest = std::max(greatest, std::abs(after));
    }
    return greatest > 0 ? change / greatest : 0;
  }

  /// By how much the objective is at most above its minimum: the distance to the value of a point
  /// of the dual problem, the residual shrunk until no term pulls by more than l1.
  [[nodiscard]] double DualityGap() const {
    const double pull =
        (rows_.terms.transpose() * residual_ - l2_ * coefficients_).cwiseAbs().maxCoeff();
    const double shrunk = pull > l1_ ? l1_ / pull : 1;
    return (1 + shrunk * shrunk) / 2 *
               (residual_.squaredNorm() + l2_ * coefficients_.squaredNorm()) +
           l1_ * coefficients_.lpNorm<1>() - shrunk * residual_.dot(rows_.target);
  }

  [[nodiscard]] const VectorXd& coefficients() const noexcept { return coefficients_; }

 private:
  const CentredSquares& rows_;
  double l1_;
  double l2_;
  VectorXd squares_;
  VectorXd coefficients_;
  VectorXd residual_;
};

}  // namespace

Solution SolveElasticNet(const Design& design, const LinearOptions& options,
                         const OnRound& on_round) {
  const Design::Moments moments = design.ComputeMoments();
  const CentredSquares rows = Centre(design, moments);
  const double strength = options.alpha * moments.weight;
  Descent descent(rows, strength * options.l1_ratio, strength * (1 - options.l1_ratio));
  const double most_gap = options.tolerance * rows.target.squaredNorm();
  TrainingProgress progress{.rounds = options.max_rounds};
  while (progress.round < options.max_rounds) {
    const double change = descent.Pass();
    ++progress.round;
    if (on_round && !on_round(progress)) return std::optional<SolvedOutputs>();
    if (change > options.tolerance || descent.DualityGap() > most_gap) continue;
    return std::optional(SolvedOutputs{.outputs = {OutputOf(descent.coefficients(), moments)},
                                       .rounds = progress.round});
  }
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format(
          "after {} rounds (\"max_rounds\") it is not as near to the best coefficients as "
          "\"tolerance\" asks: scale the features (\"scale\": \"standard\"), take a greater "
          "alpha, or allow more rounds",
          options.max_rounds),
      "max_rounds"};
}

}  // namespace forkcast::model
