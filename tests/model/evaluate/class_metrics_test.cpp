#include "model/evaluate/class_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace forkcast::model {
namespace {

using testing::DoubleNear;
using testing::Optional;

ClassificationSums ThreeClasses() {
  ClassificationSums sums(3);
  sums.Add(0, std::array{0.5, 0.25, 0.25});
  sums.Add(0, std::array{0.125, 0.5, 0.375});
  sums.Add(1, std::array{0.25, 0.5, 0.25});
  sums.Add(2, std::array{0.5, 0.25, 0.25});
  return sums;
}

TEST(ClassificationSums, CountClassesAgainstForecasts) {
  const ClassificationSums sums = ThreeClasses();
  EXPECT_EQ(sums.rows(), 4U);
  EXPECT_EQ(sums.Count(0, 0), 1U);
  EXPECT_EQ(sums.Count(0, 1), 1U);
  EXPECT_EQ(sums.Count(1, 1), 1U);
  EXPECT_EQ(sums.Count(2, 0), 1U);
  EXPECT_EQ(sums.Count(2, 2), 0U);
  EXPECT_THAT(sums.Accuracy(), Optional(0.5));
  EXPECT_THAT(sums.Precision(0), Optional(0.5));
  EXPECT_THAT(sums.Recall(0), Optional(0.5));
  EXPECT_THAT(sums.Recall(2), Optional(0));
  EXPECT_EQ(sums.Precision(2), std::nullopt);  // nothing was taken for it
}

TEST(ClassificationSums, HaveTheMeanLogLoss) {
  EXPECT_THAT(ThreeClasses().LogLoss(),
              Optional(DoubleNear(-std::log(0.5 * 0.125 * 0.5 * 0.25) / 4, 1e-15)));
}

TEST(ClassificationSums, KeepLogLossFiniteForACertaintyThatIsWrong) {
  ClassificationSums sums(2);
  sums.Add(1, std::array{1.0, 0.0});
  EXPECT_THAT(sums.LogLoss(), Optional(DoubleNear(-std::log(1e-15), 1e-12)));
}

TEST(ClassificationSums, TakeTheFirstOfTheMostLikelyClasses) {
  ClassificationSums sums(2);
  sums.Add(1, std::array{0.5, 0.5});
  sums.Add(1, std::array{0.49999, 0.50001});
  EXPECT_EQ(sums.Count(1, 0), 1U);
  EXPECT_EQ(sums.Count(1, 1), 1U);
}

TEST(ClassificationSums, OfPartsMergeIntoThoseOfTheWhole) {
  ClassificationSums merged = ThreeClasses();
  merged.Merge(ThreeClasses());
  EXPECT_EQ(merged.rows(), 8U);
  EXPECT_EQ(merged.Count(0, 1), 2U);
  EXPECT_EQ(merged.Accuracy(), ThreeClasses().Accuracy());
  EXPECT_THAT(merged.LogLoss(), Optional(DoubleNear(*ThreeClasses().LogLoss(), 1e-15)));
}

TEST(ClassificationSums, WithoutRowsHaveNoMetric) {
  const ClassificationSums sums(2);
  EXPECT_EQ(sums.Accuracy(), std::nullopt);
  EXPECT_EQ(sums.LogLoss(), std::nullopt);
  EXPECT_EQ(sums.Precision(0), std::nullopt);
  EXPECT_EQ(sums.Recall(1), std::nullopt);
}

}  // namespace
}  // namespace forkcast::model
