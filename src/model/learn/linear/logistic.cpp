#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <utility>

#include "model/learn/linear/solvers.hpp"

namespace forkcast::model {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kMostCoefficients = 5'000;  // whose second derivatives take 200 MB
constexpr std::size_t kMostRounds = 200;
constexpr int kMostHalvings = 50;
/// Newton's method squares its error each round: what is below it is below rounding one later.
constexpr double kSmallDecrement = 1e-16;

/// The objective at a point, and how it changes around it.
struct Surface {
  double value = 0;
  VectorXd gradient;
  MatrixXd hessian;
};

/// The loss of logistic regression over terms that are centred and divided by their deviations: the
/// same minimum, found with less rounding. `functions` is 1 for two classes; of more, each has its
/// own, whose intercepts could all grow alike without effect: the square of their sum, which is
/// added, is 0 at the minimum.
class Loss {
 public:
  Loss(const Design& design, Design::Moments moments, Index functions, double alpha)
      : design_(design), moments_(std::move(moments)), functions_(functions) {
    for (double& deviation : moments_.deviations) {
      if (deviation == 0) deviation = 1;
    }
    penalties_ = alpha * moments_.deviations.cwiseAbs2().cwiseInverse();
  }

  [[nodiscard]] Index size() const noexcept { return functions_ * width(); }

  [[nodiscard]] double ValueAt(const VectorXd& point) const {
    double value = PenaltyAt(point);
    design_.EachBlock([&](const Design::Block& block) {
      MatrixXd margins = MarginsOf(StandardTerms(block), point);
      value += block.weights.dot(ToProbabilities(block, margins));
    });
    return value;
  }

  [[nodiscard]] Surface At(const VectorXd& point) const {
    Surface surface{.value = PenaltyAt(point),
                    .gradient = VectorXd::Zero(size()),
                    .hessian = MatrixXd::Zero(size(), size())};
    AddPenalty(point, surface);
    design_.EachBlock([&](const Design::Block& block) {
      const MatrixXd terms = StandardTerms(block);
      MatrixXd probabilities = MarginsOf(terms, point);
      surface.value += block.weights.dot(ToProbabilities(block, probabilities));
      AddDerivatives(block, terms, probabilities, surface);
    });
    return surface;
  }

  [[nodiscard]] std::vector<LinearOutput> OutputsAt(const VectorXd& point) const {
    std::vector<LinearOutput> outputs;
    for (Index k = 0; k < functions_; ++k) {
      const VectorXd coefficients =
          Of(point, k).tail(width() - 1).cwiseQuotient(moments_.deviations);
      outputs.push_back({.intercept = Of(point, k)[0] - moments_.means.dot(coefficients),
                         .coefficients = {coefficients.begin(), coefficients.end()}});
    }
    return outputs;
  }

 private:
  /// The intercept, and a coefficient a term.
  [[nodiscard]] Index width() const noexcept { return design_.term_count() + 1; }
  [[nodiscard]] Eigen::Ref<const VectorXd> Of(const VectorXd& point, Index function) const {
    return point.segment(function * width(), width());
  }

  /// With a 1 in front, for the intercept.
  [[nodiscard]] MatrixXd StandardTerms(const Design::Block& block) const {
    MatrixXd terms(block.terms.rows(), width());
    terms.col(0).setOnes();
    terms.rightCols(width() - 1) =
        (block.terms.rowwise() - moments_.means.transpose()).array().rowwise() /
        moments_.deviations.transpose().array();
    return terms;
  }

  [[nodiscard]] MatrixXd MarginsOf(const MatrixXd& terms, const VectorXd& point) const {
    return terms * Eigen::Map<const MatrixXd>(point.data(), width(), functions_);
  }

  /// Margins become probabilities: of the second class, or of each. Returns each row's log loss.
  [[nodiscard]] VectorXd ToProbabilities(const Design::Block& block, MatrixXd& margins) const {
    VectorXd losses(margins.rows());
    for (Index row = 0; row < margins.rows(); ++row) {
      if (functions_ == 1) {
        const double margin = margins(row, 0);
        // ln(1 + e^m) without overflow.
        losses[row] = std::max(margin, 0.0) + std::log1p(std::exp(-std::abs(margin))) -
                      block.target[row] * margin;
        margins(row, 0) = 1 / (1 + std::exp(-margin));
        continue;
      }
      const double greatest = margins.row(row).maxCoeff();
      const double own = margins(row, static_cast<Index>(block.target[row]));
      margins.row(row) = (margins.row(row).array() - greatest).exp();
      const double all = margins.row(row).sum();
      losses[row] = std::log(all) + greatest - own;
      margins.row(row) /= all;
    }
    return losses;
  }

  void AddDerivatives(const Design::Block& block, const MatrixXd& terms,
                      const MatrixXd& probabilities, Surface& surface) const {
    for (Index k = 0; k < functions_; ++k) {
      const VectorXd own = probabilities.col(k);
      VectorXd excess = own;
      for (Index row = 0; row < excess.size(); ++row) {
        const bool is_one =
            functions_ == 1 ? block.target[row] == 1 : static_cast<Index>(block.target[row]) == k;
        if (is_one) excess[row] -= 1;
      }
      surface.gradient.segment(k * width(), width()) +=
          terms.transpose() * excess.cwiseProduct(block.weights);
      for (Index other = 0; other <= k; ++other) {
        VectorXd curvature = -own.cwiseProduct(probabilities.col(other));
        if (other == k) curvature += own;
        curvature = curvature.cwiseProduct(block.weights);
        surface.hessian.block(k * width(), other * width(), width(), width()) +=
            terms.transpose() * (curvature.asDiagonal() * terms);
      }
    }
  }

  [[nodiscard]] double SumOfIntercepts(const VectorXd& point) const {
    double sum = 0;
    for (Index k = 0; k < functions_; ++k) sum += Of(point, k)[0];
    return functions_ == 1 ? 0 : sum;
  }

  [[nodiscard]] double PenaltyAt(const VectorXd& point) const {
    const double sum = SumOfIntercepts(point);
    double value = sum * sum / 2;
    for (Index k = 0; k < functions_; ++k) {
      value += Of(point, k).tail(width() - 1).cwiseAbs2().dot(penalties_) / 2;
    }
    return value;
  }

  void AddPenalty(const VectorXd& point, Surface& surface) const {
    const double sum = SumOfIntercepts(point);
    for (Index k = 0; k < functions_; ++k) {
      const Index first = k * width();
      surface.gradient.segment(first + 1, width() - 1) +=
          Of(point, k).tail(width() - 1).cwiseProduct(penalties_);
      surface.hessian.diagonal().segment(first + 1, width() - 1) += penalties_;
      if (functions_ == 1) continue;
      surface.gradient[first] += sum;
      for (Index other = 0; other <= k; ++other) surface.hessian(first, other * width()) += 1;
    }
  }

  const Design& design_;
  Design::Moments moments_;
  Index functions_;
  VectorXd penalties_;  ///< Of the coefficients, a term each.
};

/// Goes from `point` along `step`, half as far until it is lower. False where it is nowhere.
bool Descend(const Loss& loss, const Surface& surface, const VectorXd& step, VectorXd& point) {
  constexpr double kLeastShare = 1e-4;  // of the decrease that the slope promises (Armijo)
  const double slope = surface.gradient.dot(step);
  double length = 1;
  for (int halving = 0; halving < kMostHalvings; ++halving, length /= 2) {
    const VectorXd next = point + length * step;
    if (loss.ValueAt(next) > surface.value + kLeastShare * length * slope) continue;
    point = next;
    return true;
  }
  return false;
}

}  // namespace

Solution SolveLogistic(const Design& design, std::size_t classes, const LinearOptions& options,
                       const OnRound& on_round) {
  const auto functions = static_cast<Index>(classes == 2 ? 1 : classes);
  const Loss loss(design, design.ComputeMoments(), functions, options.alpha);
  if (loss.size() > kMostCoefficients) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{} terms of {} classes are {} coefficients, and logistic learns {} at "
                    "most: choose fewer features (\"k_best\") or a lower degree",
                    design.term_count(), classes, loss.size(), kMostCoefficients)};
  }
  VectorXd point = VectorXd::Zero(loss.size());
  TrainingProgress progress{.rounds = kMostRounds};
  while (progress.round < kMostRounds) {
    const Surface surface = loss.At(point);
    const Eigen::LDLT<MatrixXd, Eigen::Lower> decomposition(surface.hessian);
    const VectorXd step = -decomposition.solve(surface.gradient);
    const double decrement = -surface.gradient.dot(step);
    ++progress.round;
    if (on_round && !on_round(progress)) return std::optional<SolvedOutputs>();
    const bool is_last = !(decrement > kSmallDecrement * (1 + surface.value));
    if (is_last) point += step;
    // Nowhere lower, but for rounding: it is there.
    if (is_last || !Descend(loss, surface, step, point)) {
      return std::optional(
          SolvedOutputs{.outputs = loss.OutputsAt(point), .rounds = progress.round});
    }
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("after {} rounds of Newton's method the coefficients still change: take "
                           "a greater alpha",
                           kMostRounds),
               "alpha"};
}

}  // namespace forkcast::model
