#include "model/evaluate/swap_test.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "model/evaluate/metrics.hpp"

namespace forkcast::model {
namespace {

using Pair = PairedSums<ErrorSums>;

constexpr Metric kMetric{"mae"};

std::optional<double> Mae(const ErrorSums& sums) { return sums.Value(kMetric); }

Pair PairOf(double one, double other) {
  Pair pair;
  pair.one.Add(0, one);
  pair.other.Add(0, other);
  return pair;
}

double Chance(const std::vector<Pair>& groups) {
  return ChanceOfLead(std::span<const Pair>(groups), ErrorSums(), &Mae);
}

TEST(ChanceOfLead, IsTheShareOfSwapsThatAreAheadByAsMuch) {
  EXPECT_DOUBLE_EQ(Chance({PairOf(1, 2)}), 0.5);
  EXPECT_DOUBLE_EQ(Chance({PairOf(1, 2), PairOf(1, 3), PairOf(1, 4)}), 1.0 / 8);
  // Leads of 2 and -1: of the ways +-2 +-1, two are ahead by 1 or more.
  EXPECT_DOUBLE_EQ(Chance({PairOf(1, 3), PairOf(2, 1)}), 2.0 / 4);
}

TEST(ChanceOfLead, IsOneForEqualModelsAndWithoutRows) {
  EXPECT_DOUBLE_EQ(Chance({}), 1);
  EXPECT_DOUBLE_EQ(Chance({PairOf(1, 1), PairOf(5, 5)}), 1);
  EXPECT_DOUBLE_EQ(Chance(std::vector<Pair>(20, PairOf(3, 3))), 1);
  EXPECT_DOUBLE_EQ(Chance({Pair()}), 1);
}

TEST(ChanceOfLead, OfWhoIsBehindIsLarge) {
  EXPECT_DOUBLE_EQ(Chance({PairOf(2, 1), PairOf(3, 1)}), 1);
}

// A p value below 0.05 comes about in 5 % of the cases where nobody is better.
TEST(ChanceOfLead, IsUniformWhereNobodyIsBetter) {
  std::mt19937 random(11);
  std::normal_distribution<double> error;
  constexpr int kCases = 400;
  int found = 0;
  for (int i = 0; i < kCases; ++i) {
    std::vector<Pair> groups;
    for (int group = 0; group < 15; ++group) {
      groups.push_back(PairOf(std::abs(error(random)), std::abs(error(random))));
    }
    found += Chance(groups) <= 0.05 ? 1 : 0;
  }
  EXPECT_GE(found, 8);
  EXPECT_LE(found, 34);
}

TEST(ChanceOfLead, IsSmallWhereOneIsBetterInManyGroups) {
  std::mt19937 random(12);
  std::normal_distribution<double> error;
  std::vector<Pair> groups;
  for (int group = 0; group < 60; ++group) {
    groups.push_back(PairOf(std::abs(error(random)), 2 * std::abs(error(random))));
  }
  EXPECT_LE(Chance(groups), 0.01);
}

}  // namespace
}  // namespace forkcast::model
