#include "serving/experiment/request_split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using preprocessing::Value;

constexpr int kKeys = 20'000;

/// Which of kKeys keys it takes.
std::vector<bool> TakenBy(const RequestSplit& split) {
  std::vector<bool> taken;
  for (int i = 0; i < kKeys; ++i) {
    const std::string shop = "shop " + std::to_string(i / 2);
    const std::array<Value, 2> key{std::string_view(shop), std::int64_t{i % 2}};
    taken.push_back(split.Takes(key));
  }
  return taken;
}

/// That a binomial count of this share is as likely as not to be so, but for one case in a million.
bool IsNear(std::size_t count, double share) {
  constexpr double kDeviations = 5;
  return std::abs(static_cast<double>(count) - kKeys * share) <=
         kDeviations * std::sqrt(kKeys * share * (1 - share));
}

class AShareOfKeys : public testing::TestWithParam<double> {};

TEST_P(AShareOfKeys, IsTakenByEachExperiment) {
  for (const char* challenger : {"2", "3", "challenger"}) {
    const std::vector<bool> taken = TakenBy(RequestSplit("sales", challenger, GetParam()));
    const auto count = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), true));
    EXPECT_TRUE(IsNear(count, GetParam())) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, AShareOfKeys, testing::Values(0.0, 0.01, 0.05, 0.5, 0.99, 1.0),
                         [](const auto& param) {
                           return std::to_string(static_cast<int>(100 * param.param)) + "Percent";
                         });

TEST(ARequestSplit, TakesAKeyAgainAndAgain) {
  EXPECT_EQ(TakenBy(RequestSplit("sales", "2", 0.3)), TakenBy(RequestSplit("sales", "2", 0.3)));
}

TEST(ARequestSplit, TakesWithAGreaterShareWhatItTookWithASmallerOne) {
  const std::vector<bool> few = TakenBy(RequestSplit("sales", "2", 0.1));
  const std::vector<bool> many = TakenBy(RequestSplit("sales", "2", 0.2));
  for (int i = 0; i < kKeys; ++i) EXPECT_TRUE(!few[i] || many[i]) << i;
}

struct OtherNames {
  const char* name;
  const char* deployment;
  const char* challenger;

  friend std::ostream& operator<<(std::ostream& out, const OtherNames& one) {
    return out << one.deployment << " " << one.challenger;
  }
};

class AnotherExperiment : public testing::TestWithParam<OtherNames> {};

TEST_P(AnotherExperiment, TakesKeysIndependentlyOfTheFirst) {
  constexpr double kShare = 0.3;
  const std::vector<bool> one = TakenBy(RequestSplit("sales", "2", kShare));
  const std::vector<bool> other =
      TakenBy(RequestSplit(GetParam().deployment, GetParam().challenger, kShare));
  std::size_t both = 0;
  for (int i = 0; i < kKeys; ++i) both += one[i] && other[i] ? 1 : 0;
  EXPECT_TRUE(IsNear(both, kShare * kShare)) << both;
}

INSTANTIATE_TEST_SUITE_P(Of, AnotherExperiment,
                         testing::Values(OtherNames{"AnotherVersion", "sales", "3"},
                                         OtherNames{"AnotherDeployment", "weekly", "2"}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
