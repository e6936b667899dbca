#include "client/latencies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace forkcast::client {
namespace {

using std::chrono::microseconds;

/// By the definition: the smallest sample that at least `per_mille` of 1000 do not exceed.
std::int64_t QuantileByCounting(const std::vector<std::int64_t>& samples, std::size_t per_mille) {
  std::int64_t best = *std::ranges::max_element(samples);
  for (const std::int64_t candidate : samples) {
    const auto reached = static_cast<std::size_t>(
        std::ranges::count_if(samples, [&](std::int64_t sample) { return sample <= candidate; }));
    if (reached * 1000 >= per_mille * samples.size()) best = std::min(best, candidate);
  }
  return best;
}

TEST(Latencies, QuantilesAreThoseOfCountingForAnyNumberOfSamples) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> shape(6, 2);
  for (const std::size_t count : {1U, 2U, 3U, 9U, 10U, 99U, 100U, 101U, 999U, 1000U, 1001U}) {
    Latencies latencies;
    std::vector<std::int64_t> samples;
    for (std::size_t i = 0; i < count; ++i) {
      samples.push_back(static_cast<std::int64_t>(shape(random)));
      latencies.Add(microseconds(samples.back()));
    }
    for (const std::size_t per_mille : {1U, 500U, 900U, 990U, 999U, 1000U}) {
      EXPECT_EQ(latencies.Quantile(static_cast<double>(per_mille) / 1000).count(),
                QuantileByCounting(samples, per_mille))
          << count << " samples, " << per_mille << " per mille";
    }
  }
}

TEST(Latencies, TakeMoreSamplesAfterAQuantileWasAsked) {
  Latencies latencies;
  latencies.Add(microseconds(5));
  EXPECT_EQ(latencies.Quantile(1), microseconds(5));
  latencies.Add(microseconds(9));
  latencies.Add(microseconds(1));
  EXPECT_EQ(latencies.Quantile(0.5), microseconds(5));
  EXPECT_EQ(latencies.Quantile(1), microseconds(9));
  EXPECT_EQ(latencies.count(), 3U);
}

TEST(Latencies, OutsideOfTheirRangeCountAsItsEnds) {
  Latencies latencies;
  latencies.Add(microseconds(-1));
  latencies.Add(std::chrono::hours(2));
  EXPECT_EQ(latencies.Quantile(0.5), microseconds(0));
  EXPECT_EQ(latencies.Quantile(1), microseconds(4'294'967'295));
}

}  // namespace
}  // namespace forkcast::client
