#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <string>
#include <utility>

#include "model/learn/linear/solvers.hpp"

namespace forkcast::model {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Inputs are floats: a column that differs from a sum of others by less than floats are rounded by
/// says nothing of its own.
constexpr double kSameAsOthers = 1e-7;

/// "price x lag_1"
std::string NameOf(const LinearSource& source, std::span<const std::uint32_t> factors) {
  std::string name;
  for (const std::uint32_t factor : factors) {
    name += fmt::format("{}{}", name.empty() ? "" : " x ",
                        source.features[source.inputs[factor].feature]);
  }
  return name;
}

/// Rows of more terms than there are rows: c = A' (A A' + alpha I)^-1 b.
VectorXd SolveByRows(const CentredSquares& rows, double alpha) {
  MatrixXd products = rows.terms * rows.terms.transpose();
  products.diagonal().array() += alpha;
  return rows.terms.transpose() * products.ldlt().solve(rows.target);
}

/// Least squares of the rows and, below them, one of sqrt(alpha) a term, whose target is 0. Columns
/// are scaled to length 1, so that what is called singular does not depend on units.
Result<VectorXd> SolveByTerms(const CentredSquares& rows, double alpha, const Design& design,
                              const LinearSource& source) {
  const Index terms = rows.terms.cols();
  MatrixXd all(rows.terms.rows() + (alpha > 0 ? terms : 0), terms);
  all.topRows(rows.terms.rows()) = rows.terms;
  VectorXd target = VectorXd::Zero(all.rows());
  target.head(rows.terms.rows()) = rows.target;
  if (alpha > 0) {
    all.bottomRows(terms).setZero();
    all.bottomRows(terms).diagonal().setConstant(std::sqrt(alpha));
  }
  VectorXd lengths = all.colwise().norm();
  for (double& length : lengths) {
    if (length == 0) length = 1;
  }
  all.array().rowwise() /= lengths.transpose().array();
  Eigen::ColPivHouseholderQR<MatrixXd> decomposition(all.rows(), terms);
  if (alpha == 0) decomposition.setThreshold(kSameAsOthers);
  decomposition.compute(all);
  if (alpha == 0 && decomposition.rank() < terms) {
    const auto one = decomposition.colsPermutation().indices()[decomposition.rank()];
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("it says nothing that the other terms do not say ({} of {} terms do in these "
                    "rows), so that with \"alpha\": 0 any coefficient is as good: give an alpha "
                    "above 0, or hide what is there twice",
                    decomposition.rank(), terms),
        NameOf(source, design.terms().factors(static_cast<std::size_t>(one)))};
  }
  return VectorXd(decomposition.solve(target).cwiseQuotient(lengths));
}

}  // namespace

CentredSquares Centre(const Design& design, const Design::Moments& moments) {
  const Index terms = design.term_count();
  const auto rows = static_cast<Index>(design.row_count());
  MatrixXd kept(0, terms + 1);
  design.EachBlock([&](const Design::Block& block) {
    const Index before = kept.rows();
    kept.conservativeResize(before + block.terms.rows(), Eigen::NoChange);
    auto added = kept.bottomRows(block.terms.rows());
    added.leftCols(terms) = block.terms.rowwise() - moments.means.transpose();
    added.rightCols(1) = block.target.array() - moments.target_mean;
    added.array().colwise() *= block.weights.array().sqrt();
    if (rows <= terms + 1 || kept.rows() <= terms + 1) return;
    const Eigen::HouseholderQR<MatrixXd> decomposition(kept);
    kept = MatrixXd(decomposition.matrixQR().topRows(terms + 1).triangularView<Eigen::Upper>());
  });
  return {.terms = kept.leftCols(terms), .target = kept.rightCols(1)};
}

LinearOutput OutputOf(const VectorXd& coefficients, const Design::Moments& moments) {
  return {.intercept = moments.target_mean - moments.means.dot(coefficients),
          .coefficients = {coefficients.begin(), coefficients.end()}};
}

Solution SolveRidge(const Design& design, const LinearSource& source, const LinearOptions& options,
                    const OnRound& on_round) {
  const Design::Moments moments = design.ComputeMoments();
  const CentredSquares rows = Centre(design, moments);
  Result<VectorXd> coefficients = rows.terms.rows() < rows.terms.cols() && options.alpha > 0
                                      ? Result<VectorXd>(SolveByRows(rows, options.alpha))
                                      : SolveByTerms(rows, options.alpha, design, source);
  if (!coefficients) return std::move(coefficients).error();
  if (on_round && !on_round({.round = 1, .rounds = 1})) return std::optional<SolvedOutputs>();
  return std::optional(SolvedOutputs{.outputs = {OutputOf(*coefficients, moments)}});
}

}  // namespace forkcast::model
