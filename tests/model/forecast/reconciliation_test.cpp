#include "model/forecast/reconciliation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace forkcast::model {
namespace {

using Dense = std::vector<std::vector<double>>;  // rows

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Dense Times(const Dense& a, const Dense& b) {
  Dense product(a.size(), std::vector<double>(b.front().size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < b.front().size(); ++j) product[i][j] += a[i][k] * b[k][j];
    }
  }
  return product;
}

Dense Transposed(const Dense& a) {
  Dense t(a.front().size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.front().size(); ++j) t[j][i] = a[i][j];
  }
  return t;
}

/// By Gauss and Jordan, with pivots.
Dense Inverse(Dense a) {
  const std::size_t n = a.size();
  Dense inverse(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) inverse[i][i] = 1;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t row = i; row < n; ++row) {
      if (std::abs(a[row][i]) > std::abs(a[pivot][i])) pivot = row;
    }
    std::swap(a[i], a[pivot]);
    std::swap(inverse[i], inverse[pivot]);
    const double by = a[i][i];
    for (std::size_t j = 0; j < n; ++j) {
      a[i][j] /= by;
      inverse[i][j] /= by;
    }
    for (std::size_t row = 0; row < n; ++row) {
      if (row == i) continue;
      const double factor = a[row][i];
      for (std::size_t j = 0; j < n; ++j) {
        a[row][j] -= factor * a[i][j];
        inverse[row][j] -= factor * inverse[i][j];
      }
    }
  }
  return inverse;
}

/// Twelve leaves in four groups, in two others across them, and in one of all.
SummedLeaves Grouped() {
  SummedLeaves summed{.sums = 7};
  for (std::uint32_t leaf = 0; leaf < 12; ++leaf) {
    summed.sums_of.push_back({leaf / 3, 4 + leaf % 2, 6});
  }
  return summed;
}

/// How nodes, the sums first, are made of leaves.
Dense SummingMatrix(const SummedLeaves& summed) {
  Dense matrix(summed.sums + summed.leaves(), std::vector<double>(summed.leaves()));
  for (std::size_t leaf = 0; leaf < summed.leaves(); ++leaf) {
    for (const std::uint32_t sum : summed.sums_of[leaf]) matrix[sum][leaf] = 1;
    matrix[summed.sums + leaf][leaf] = 1;
  }
  return matrix;
}

/// The covariance with its correlations shrunk, pair by pair as Schäfer and Strimmer write it.
Dense ShrunkCovariance(const SummedLeaves& summed, const std::vector<SummedErrors>& errors,
                       double& shrinkage) {
  const std::size_t n = summed.sums + summed.leaves();
  const auto times = static_cast<double>(errors.size());
  Dense rows;
  for (const SummedErrors& one : errors) {
    rows.push_back(one.sums);
    rows.back().insert(rows.back().end(), one.leaves.begin(), one.leaves.end());
  }
  Dense covariance(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (const auto& row : rows) covariance[i][j] += row[i] * row[j] / times;
    }
  }
  double noise = 0;
  double all = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double unit = std::sqrt(covariance[i][i] * covariance[j][j]);
      double sum = 0;
      double squares = 0;
      for (const auto& row : rows) {
        const double x = row[i] * row[j] / unit;
        sum += x;
        squares += x * x;
      }
      noise += (squares - sum * sum / times) / (times * (times - 1));
      all += (sum / times) * (sum / times);
    }
  }
  shrinkage = std::min(1.0, std::max(0.0, noise / all));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) covariance[i][j] *= i == j ? 1 : 1 - shrinkage;
  }
  return covariance;
}

class MinTrace : public testing::TestWithParam<int> {
 protected:
  std::vector<SummedErrors> RandomErrors(const SummedLeaves& summed, std::size_t times) {
    std::normal_distribution<double> normal;
    std::vector<SummedErrors> errors(times);
    for (SummedErrors& one : errors) {
      const double common = normal(random_);
      for (std::size_t leaf = 0; leaf < summed.leaves(); ++leaf) {
        one.leaves.push_back((1 + static_cast<double>(leaf)) * (normal(random_) + common));
      }
      for (std::size_t sum = 0; sum < summed.sums; ++sum) {
        one.sums.push_back(4 * normal(random_) + 9 * common);
      }
    }
    return errors;
  }
  std::vector<double> RandomForecasts(std::size_t count) {
    std::vector<double> forecasts(count);
    for (double& one : forecasts) one = std::uniform_real_distribution(0.0, 100.0)(random_);
    return forecasts;
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
};

/// S (S' W^-1 S)^-1 S' W^-1 y, as the paper has it.
TEST_P(MinTrace, IsWhatThePaperWritesWithMatricesOfAllNodes) {
  const SummedLeaves summed = Grouped();
  const std::vector<SummedErrors> errors = RandomErrors(summed, 40);
  const std::vector<double> sums = RandomForecasts(summed.sums);
  std::vector<double> leaves = RandomForecasts(summed.leaves());

  double shrinkage = 0;
  const Dense weights = Inverse(ShrunkCovariance(summed, errors, shrinkage));
  const Dense s = SummingMatrix(summed);
  const Dense st = Times(Transposed(s), weights);
  Dense base;
  for (const double one : sums) base.push_back({one});
  for (const double one : leaves) base.push_back({one});
  const Dense expected = Times(s, Times(Inverse(Times(st, s)), Times(st, base)));

  const ReconciliationGains gains = MinTraceGains(summed, errors);
  EXPECT_NEAR(gains.shrinkage, shrinkage, 1e-12);
  EXPECT_GT(shrinkage, 0);
  EXPECT_LT(shrinkage, 1);
  Reconcile(summed, gains, sums, leaves);
  const std::vector<double> added = AddUp(summed, leaves);
  // Equations are solved with 1e-10 more on their diagonal, so that there is always a solution.
  constexpr double kNear = 1e-5;
  for (std::size_t i = 0; i < summed.sums; ++i) EXPECT_NEAR(added[i], expected[i][0], kNear);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_NEAR(leaves[i], expected[summed.sums + i][0], kNear);
  }
}

TEST_P(MinTrace, LeavesForecastsThatAgreeAsTheyAre) {
  const SummedLeaves summed = Grouped();
  std::vector<double> leaves = RandomForecasts(summed.leaves());
  const std::vector<double> before = leaves;
  Reconcile(summed, MinTraceGains(summed, RandomErrors(summed, 40)), AddUp(summed, leaves), leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) EXPECT_NEAR(leaves[i], before[i], 1e-9);
}

TEST_P(MinTrace, BelievesAForecastThatWasNeverOff) {
  const SummedLeaves summed = Grouped();
  std::vector<SummedErrors> errors = RandomErrors(summed, 40);
  for (SummedErrors& one : errors) one.sums.back() = 0;
  std::vector<double> leaves = RandomForecasts(summed.leaves());
  const std::vector<double> sums = RandomForecasts(summed.sums);
  Reconcile(summed, MinTraceGains(summed, errors), sums, leaves);
  EXPECT_NEAR(AddUp(summed, leaves).back(), sums.back(), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MinTrace, testing::Range(1, 9));

TEST(Reconciliation, WithoutErrorsTakesASumForAsUncertainAsItHasLeaves) {
  const SummedLeaves summed{.sums = 1, .sums_of = {{0}, {0}, {0}}};
  const ReconciliationGains gains = MinTraceGains(summed, {});
  EXPECT_EQ(gains.shrinkage, 1);
  std::vector<double> leaves{1, 2, 3};
  Reconcile(summed, gains, std::vector<double>{12}, leaves);
  // Of the 6 that are lacking, half is taken for an error of the sum, and the rest is shared.
  EXPECT_THAT(leaves, testing::Pointwise(testing::DoubleNear(1e-9), {2.0, 3.0, 4.0}));
}

TEST(Reconciliation, IsBottomUpWithoutGains) {
  const SummedLeaves summed{.sums = 1, .sums_of = {{0}, {0}}};
  std::vector<double> leaves{1, 2};
  Reconcile(summed, {}, std::vector<double>{12}, leaves);
  EXPECT_THAT(leaves, testing::ElementsAre(1, 2));
  EXPECT_THAT(AddUp(summed, leaves), testing::ElementsAre(3));
}

TEST(Reconciliation, LeavesOutWhatIsNotForecast) {
  const SummedLeaves summed{.sums = 2, .sums_of = {{0}, {0}, {1}}};
  std::vector<double> leaves{1, kNaN, kNaN};
  EXPECT_EQ(AddUp(summed, leaves)[0], 1);
  EXPECT_TRUE(std::isnan(AddUp(summed, leaves)[1]));
  Reconcile(summed, MinTraceGains(summed, {}), std::vector<double>{kNaN, 5}, leaves);
  EXPECT_EQ(leaves[0], 1) << "nothing is known of its sum";
  EXPECT_TRUE(std::isnan(leaves[1]));
}

TEST(Reconciliation, TakesErrorsThatAreMissingForNone) {
  const SummedLeaves summed{.sums = 1, .sums_of = {{0}, {0}}};
  const std::vector<SummedErrors> errors{{.sums = {1}, .leaves = {1, kNaN}},
                                         {.sums = {-1}, .leaves = {kNaN, 1}},
                                         {.sums = {kNaN}, .leaves = {-1, -1}}};
  for (const double gain : MinTraceGains(summed, errors).values) EXPECT_TRUE(std::isfinite(gain));
}

}  // namespace
}  // namespace forkcast::model
