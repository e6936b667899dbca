// MinT by the errors of the coherency constraint. With U' = [I, -A], coherent forecasts y are those
// with U'y = 0, and those nearest to the base forecasts in the metric of W^-1 are
//   y - W U (U' W U)^-1 U' y
// (the same as S (S' W^-1 S)^-1 S' W^-1 y, but with one equation a sum and no inverse of W, which
// has a row for every leaf). W = shrinkage * diagonal + (1 - shrinkage) * covariance, and the
// covariance of few errors is of low rank, so that W itself is never written down.

#include "model/forecast/reconciliation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data_preprocessing/base/nan.hpp"

namespace forkcast::model {
namespace {

/// Row-major.
class Matrix {
 public:
  Matrix(std::size_t rows, std::size_t columns) : columns_(columns), values_(rows * columns) {}

  [[nodiscard]] double& operator()(std::size_t row, std::size_t column) noexcept {
    return values_[row * columns_ + column];
  }
  [[nodiscard]] std::span<double> Row(std::size_t row) noexcept {
    return std::span(values_).subspan(row * columns_, columns_);
  }

 private:
  std::size_t columns_;
  std::vector<double> values_;
};

double Product(std::span<const double> a, std::span<const double> b) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The errors' covariance as MinT takes it.
struct Covariance {
  std::vector<double> of_sums;    ///< Variances.
  std::vector<double> of_leaves;  ///< The same.
  /// Each with a column a node, the sums first, in units that make a column's mean square its
  /// variance; 0 where there was no error.
  std::vector<std::vector<double>> errors{};
  double shrinkage = 1;

  [[nodiscard]] std::size_t times() const noexcept { return errors.size(); }
};

/// Of a node without an error that is known: none of the variance that others have.
double VarianceOf(std::span<const SummedErrors> errors, const auto& error_of, std::size_t& known) {
  double sum = 0;
  known = 0;
  for (const SummedErrors& one : errors) {
    const double error = error_of(one);
    if (std::isnan(error)) continue;
    sum += error * error;
    ++known;
  }
  return known == 0 ? 0 : sum / static_cast<double>(known);
}

/// How much of the correlations between errors, each in units of its own deviation, is noise.
double ShrinkageOf(const Covariance& covariance, std::span<const double> variances) {
  const std::size_t times = covariance.times();
  const auto n = static_cast<double>(times);
  std::vector<std::vector<double>> scaled = covariance.errors;
  for (std::vector<double>& one : scaled) {
    for (std::size_t i = 0; i < one.size(); ++i) {
      one[i] = variances[i] > 0 ? one[i] / std::sqrt(variances[i]) : 0;
    }
  }
  // Sums over all pairs of different nodes are those over all pairs less those of a node with
  // itself, and the former need no pair.
  double squares = 0;   // over pairs and times, of (x_i x_j)^2
  double products = 0;  // over pairs, of (sum over times of x_i x_j)^2
  for (std::size_t t = 0; t < times; ++t) {
    const double norm = Product(scaled[t], scaled[t]);
    squares += norm * norm;
    for (std::size_t u = 0; u < times; ++u) {
      const double both = Product(scaled[t], scaled[u]);
      products += both * both;
    }
  }
  for (std::size_t i = 0; i < variances.size(); ++i) {
    double square = 0;
    for (std::size_t t = 0; t < times; ++t) {
      const double x = scaled[t][i] * scaled[t][i];
      square += x;
      squares -= x * x;
    }
    products -= square * square;
  }
  const double noise = (squares - products / n) / (n * (n - 1));
  const double all = products / (n * n);
  return all > 0 ? std::clamp(noise / all, 0.0, 1.0) : 1;
}

Covariance Structural(const SummedLeaves& summed) {
  Covariance covariance{.of_sums = std::vector<double>(summed.sums),
                        .of_leaves = std::vector<double>(summed.leaves(), 1)};
  for (const auto& sums : summed.sums_of) {
    for (const std::uint32_t sum : sums) ++covariance.of_sums[sum];
  }
  return covariance;
}

Covariance CovarianceOf(const SummedLeaves& summed, std::span<const SummedErrors> errors) {
  const std::size_t nodes = summed.sums + summed.leaves();
  if (errors.size() < 2) return Structural(summed);
  std::vector<double> variances(nodes);
  std::vector<double> units(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    const auto error_of = [&](const SummedErrors& one) {
      return i < summed.sums ? one.sums[i] : one.leaves[i - summed.sums];
    };
    std::size_t known = 0;
    variances[i] = VarianceOf(errors, error_of, known);
    units[i] =
        known == 0 ? 0 : std::sqrt(static_cast<double>(errors.size()) / static_cast<double>(known));
  }
  const double greatest = std::ranges::max(variances);
  if (!(greatest > 0)) return Structural(summed);
  Covariance covariance;
  for (const SummedErrors& one : errors) {
    std::vector<double>& row = covariance.errors.emplace_back();
    row.insert(row.end(), one.sums.begin(), one.sums.end());
    row.insert(row.end(), one.leaves.begin(), one.leaves.end());
    for (std::size_t i = 0; i < nodes; ++i) row[i] = std::isnan(row[i]) ? 0 : row[i] * units[i];
  }
  covariance.shrinkage = ShrinkageOf(covariance, variances);
  // A forecast that was never off is next to certain, so that there is always a solution.
  for (double& variance : variances) variance = std::max(variance, 1e-10 * greatest);
  const auto middle = variances.begin() + static_cast<std::ptrdiff_t>(summed.sums);
  covariance.of_sums.assign(variances.begin(), middle);
  covariance.of_leaves.assign(middle, variances.end());
  return covariance;
}

/// The errors of the constraint: by time, of each sum less those of its leaves.
std::vector<std::vector<double>> Incoherence(const SummedLeaves& summed,
                                             const Covariance& covariance) {
  std::vector<std::vector<double>> all;
  for (const std::vector<double>& errors : covariance.errors) {
    std::vector<double>& one =
        all.emplace_back(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(summed.sums));
    for (std::size_t leaf = 0; leaf < summed.leaves(); ++leaf) {
      for (const std::uint32_t sum : summed.sums_of[leaf]) one[sum] -= errors[summed.sums + leaf];
    }
  }
  return all;
}

/// U' W U.
Matrix ConstraintCovariance(const SummedLeaves& summed, const Covariance& covariance,
                            const std::vector<std::vector<double>>& incoherence) {
  Matrix matrix(summed.sums, summed.sums);
  const double kept = covariance.shrinkage;
  for (std::size_t i = 0; i < summed.sums; ++i) matrix(i, i) = kept * covariance.of_sums[i];
  for (std::size_t leaf = 0; leaf < summed.leaves(); ++leaf) {
    for (const std::uint32_t i : summed.sums_of[leaf]) {
      for (const std::uint32_t j : summed.sums_of[leaf]) {
        matrix(i, j) += kept * covariance.of_leaves[leaf];
      }
    }
  }
  for (const std::vector<double>& one : incoherence) {
    const double factor = (1 - kept) / static_cast<double>(incoherence.size());
    for (std::size_t i = 0; i < summed.sums; ++i) {
      const double scaled = factor * one[i];
      std::span<double> row = matrix.Row(i);
      for (std::size_t j = 0; j < summed.sums; ++j) row[j] += scaled * one[j];
    }
  }
  // Where all correlations are believed, sums may say the same as others.
  double greatest = 0;
  for (std::size_t i = 0; i < summed.sums; ++i) greatest = std::max(greatest, matrix(i, i));
  for (std::size_t i = 0; i < summed.sums; ++i) matrix(i, i) += 1e-10 * greatest;
  return matrix;
}

/// The lower triangle L of `matrix` = L L', in its place. Precondition: positive definite.
void Factorise(Matrix& matrix, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::span<double> row = matrix.Row(i);
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = row[j] - Product(row.first(j), matrix.Row(j).first(j));
      row[j] = i == j ? std::sqrt(std::max(rest, std::numeric_limits<double>::min()))
                      : rest / matrix(j, j);
    }
  }
}

/// Solves L L' x = b in place of b.
void Solve(Matrix& lower, std::span<double> x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - Product(lower.Row(i).first(i), x.first(i))) / lower(i, i);
  }
  for (std::size_t i = x.size(); i-- > 0;) {
    x[i] /= lower(i, i);
    for (std::size_t j = 0; j < i; ++j) x[j] -= lower(i, j) * x[i];
  }
}

}  // namespace

ReconciliationGains MinTraceGains(const SummedLeaves& summed,
                                  std::span<const SummedErrors> errors) {
  const Covariance covariance = CovarianceOf(summed, errors);
  const std::vector<std::vector<double>> incoherence = Incoherence(summed, covariance);
  Matrix factor = ConstraintCovariance(summed, covariance, incoherence);
  Factorise(factor, summed.sums);
  ReconciliationGains gains{.values = std::vector<double>(summed.leaves() * summed.sums),
                            .shrinkage = covariance.shrinkage};
  for (std::size_t leaf = 0; leaf < summed.leaves(); ++leaf) {
    // The leaf's row of W U, of which the equations are solved.
    const std::span<double> row = std::span(gains.values).subspan(leaf * summed.sums, summed.sums);
    for (const std::uint32_t sum : summed.sums_of[leaf]) {
      row[sum] = -covariance.shrinkage * covariance.of_leaves[leaf];
    }
    for (std::size_t t = 0; t < covariance.times(); ++t) {
      const double scaled = (1 - covariance.shrinkage) * covariance.errors[t][summed.sums + leaf] /
                            static_cast<double>(covariance.times());
      for (std::size_t sum = 0; sum < summed.sums; ++sum) row[sum] += scaled * incoherence[t][sum];
    }
    Solve(factor, row);
  }
  return gains;
}

std::vector<double> AddUp(const SummedLeaves& summed, std::span<const double> leaves) {
  std::vector<double> sums(summed.sums, kNaN);
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    if (std::isnan(leaves[leaf])) continue;
    for (const std::uint32_t sum : summed.sums_of[leaf]) {
      sums[sum] = (std::isnan(sums[sum]) ? 0 : sums[sum]) + leaves[leaf];
    }
  }
  return sums;
}

void Reconcile(const SummedLeaves& summed, const ReconciliationGains& gains,
               std::span<const double> sums, std::span<double> leaves) {
  if (gains.values.empty()) return;
  std::vector<double> incoherence = AddUp(summed, leaves);
  for (std::size_t sum = 0; sum < summed.sums; ++sum) {
    const double difference = sums[sum] - incoherence[sum];
    incoherence[sum] = std::isnan(difference) ? 0 : difference;
  }
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    // A leaf that is not forecast stays NaN.
    leaves[leaf] -=
        Product(std::span(gains.values).subspan(leaf * summed.sums, summed.sums), incoherence);
  }
}

}  // namespace forkcast::model
