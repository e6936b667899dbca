#include "model/classify/stump.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace forkcast::model {
namespace {

using testing::ElementsAre;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

TEST(Stump, FindsTheColumnAndTheThresholdThatTellClassesApart) {
  const std::vector<float> values{1, 10, 7, 20, 2, 30, 9, 40};  // rows of two columns
  const std::vector<std::uint32_t> labels{0, 0, 1, 1};
  const Stump stump = Stump::Fit(values, 2, labels, 2);
  ASSERT_TRUE(stump.splits());
  EXPECT_EQ(stump.column(), 1U);
  EXPECT_EQ(stump.threshold(), 25);
  EXPECT_THAT(stump.Predict(std::vector<float>{9, 24}), ElementsAre(0.75, 0.25));
  EXPECT_THAT(stump.Predict(std::vector<float>{1, 25}), ElementsAre(0.25, 0.75));
}

TEST(Stump, AnswersTheSharesWhenNoSplitHelps) {
  const std::vector<float> values{1, 1, 1, 1};
  const std::vector<std::uint32_t> labels{0, 1, 1, 1};
  const Stump stump = Stump::Fit(values, 1, labels, 2);
  EXPECT_FALSE(stump.splits());
  EXPECT_THAT(stump.Predict(std::vector<float>{5}), ElementsAre(2.0 / 6, 4.0 / 6));
}

TEST(Stump, SplitsByWhetherAValueIsMissing) {
  const std::vector<float> values{1, kMissing, 2, kMissing};
  const std::vector<std::uint32_t> labels{0, 1, 0, 1};
  const Stump stump = Stump::Fit(values, 1, labels, 2);
  ASSERT_TRUE(stump.splits());
  EXPECT_TRUE(std::isinf(stump.threshold()));
  EXPECT_THAT(stump.Predict(std::vector<float>{kMissing}), ElementsAre(0.25, 0.75));
  EXPECT_THAT(stump.Predict(std::vector<float>{99}), ElementsAre(0.75, 0.25));
}

TEST(Stump, PutsMissingValuesOnTheSideThatTheyAreLike) {
  const std::vector<float> values{1, 2, 8, 9, kMissing, kMissing};
  const std::vector<std::uint32_t> labels{1, 1, 0, 0, 1, 1};
  const Stump stump = Stump::Fit(values, 1, labels, 2);
  EXPECT_EQ(stump.threshold(), 5);
  EXPECT_THAT(stump.Predict(std::vector<float>{kMissing}), ElementsAre(1.0 / 6, 5.0 / 6));
}

TEST(Stump, SeparatesNeighbouringFloats) {
  const float a = 168;
  const float b = std::nextafter(a, 200.0F);
  const std::vector<float> values{a, a, b, b};
  const std::vector<std::uint32_t> labels{0, 0, 1, 1};
  const Stump stump = Stump::Fit(values, 1, labels, 2);
  EXPECT_EQ(stump.threshold(), b);
}

/// What the shares of the classes on both sides lose, by the definition.
double Loss(const std::vector<std::uint32_t>& labels, const std::vector<bool>& is_less) {
  double loss = 0;
  for (const bool side : {true, false}) {
    std::map<std::uint32_t, double> counts;
    double rows = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (is_less[i] != side) continue;
      ++counts[labels[i]];
      ++rows;
    }
    for (const auto& [label, count] : counts) loss -= count * std::log(count / rows);
  }
  return loss;
}

TEST(StumpProperty, NoOtherQuestionLosesLess) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t columns = 1 + random() % 3;
    const std::size_t rows = 2 + random() % 12;
    const std::size_t classes = 2 + random() % 3;
    std::vector<float> values(rows * columns);
    for (float& value : values) {
      value = random() % 5 == 0 ? kMissing : static_cast<float>(random() % 5);
    }
    std::vector<std::uint32_t> labels(rows);
    for (std::uint32_t& label : labels) label = static_cast<std::uint32_t>(random() % classes);
    const Stump stump = Stump::Fit(values, columns, labels, classes);

    double least = Loss(labels, std::vector<bool>(rows));
    for (std::size_t column = 0; column < columns; ++column) {
      for (float threshold = 0.5F; threshold < 6; ++threshold) {
        for (const bool missing_is_less : {false, true}) {
          std::vector<bool> is_less(rows);
          for (std::size_t i = 0; i < rows; ++i) {
            const float value = values[i * columns + column];
            is_less[i] = std::isnan(value) ? missing_is_less : value < threshold;
          }
          least = std::min(least, Loss(labels, is_less));
        }
      }
    }
    std::vector<bool> is_less(rows);
    const auto side_of = [&](std::size_t i) {
      return stump.Predict(std::span(values).subspan(i * columns, columns)).data();
    };
    for (std::size_t i = 0; i < rows; ++i) is_less[i] = side_of(i) == side_of(0);
    EXPECT_NEAR(Loss(labels, is_less), least, 1e-6) << "round " << round;
  }
}

}  // namespace
}  // namespace forkcast::model
