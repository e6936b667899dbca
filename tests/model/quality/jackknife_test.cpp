#include "model/quality/jackknife.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "model/evaluate/metrics.hpp"

namespace forkcast::model {
namespace {

std::optional<double> MeanErrorOf(const ErrorSums& sums) { return sums.Value(Metric("bias")); }

TEST(JackknifeVariance, OfAMeanIsThatOfTheBook) {
  // Of groups of one row each it is s^2 / n.
  std::vector<ErrorSums> groups(4);
  for (int i = 0; i < 4; ++i) groups[static_cast<std::size_t>(i)].Add(0, i);
  const auto variance = JackknifeVariance<ErrorSums>(groups, {}, MeanErrorOf);
  ASSERT_TRUE(variance);
  EXPECT_NEAR(*variance, (5.0 / 3) / 4, 1e-12);
}

TEST(JackknifeVariance, CountsRowsThatErrAlikeOnce) {
  // Every key errs by one amount in all of its hundred rows: they say no more than one row each.
  std::mt19937 random(1);
  std::normal_distribution<double> error;
  std::vector<ErrorSums> once(kJackknifeGroups);
  std::vector<ErrorSums> often(kJackknifeGroups);
  for (std::size_t key = 0; key < kJackknifeGroups; ++key) {
    const double own = error(random);
    once[key].Add(0, own);
    for (int row = 0; row < 100; ++row) often[key].Add(0, own);
  }
  EXPECT_NEAR(*JackknifeVariance<ErrorSums>(often, {}, MeanErrorOf),
              *JackknifeVariance<ErrorSums>(once, {}, MeanErrorOf), 1e-12);
}

TEST(JackknifeVariance, IsNotKnownOfOneGroup) {
  std::vector<ErrorSums> groups(3);
  groups[1].Add(1, 2);
  EXPECT_FALSE(JackknifeVariance<ErrorSums>(groups, {}, MeanErrorOf));
}

TEST(JackknifeVariance, IsNotKnownWhereTheMetricIsNotThere) {
  std::vector<ErrorSums> groups(2);
  groups[0].Add(0, 1);
  groups[1].Add(0, 2);
  EXPECT_FALSE(JackknifeVariance<ErrorSums>(
      groups, {}, [](const ErrorSums& sums) { return sums.Value(Metric("wape")); }));
}

}  // namespace
}  // namespace forkcast::model
