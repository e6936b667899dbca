#include "client/reorder_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace forkcast::client {
namespace {

TEST(ReorderWindow, EmitsEveryResultOnceInOrderWhateverOrderTheyComeIn) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> arrivals(40);
    std::iota(arrivals.begin(), arrivals.end(), 0);
    std::ranges::shuffle(arrivals, random);

    ReorderWindow window;
    std::vector<std::string> emitted;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      window.Put(arrivals[i], std::to_string(arrivals[i]),
                 [&](const std::string& text) { emitted.push_back(text); });
      // All that can be emitted by now is: what came without a gap from 0 on.
      std::vector<std::size_t> came(arrivals.begin(), arrivals.begin() + static_cast<long>(i) + 1);
      std::ranges::sort(came);
      std::size_t without_gap = 0;
      while (without_gap < came.size() && came[without_gap] == without_gap) ++without_gap;
      ASSERT_EQ(emitted.size(), without_gap) << "round " << round;
    }
    for (std::size_t i = 0; i < emitted.size(); ++i) ASSERT_EQ(emitted[i], std::to_string(i));
  }
}

TEST(ReorderWindow, KnowsTheBytesItHolds) {
  ReorderWindow window;
  const auto ignore = [](const std::string&) {};
  EXPECT_EQ(window.held_bytes(), 0U);
  window.Put(2, std::string(1000, 'x'), ignore);
  EXPECT_GE(window.held_bytes(), 1000U);
  window.Put(1, std::string(1000, 'x'), ignore);
  EXPECT_GE(window.held_bytes(), 2000U);
  window.Put(0, "", ignore);
  EXPECT_EQ(window.held_bytes(), 0U);
}

}  // namespace
}  // namespace forkcast::client
