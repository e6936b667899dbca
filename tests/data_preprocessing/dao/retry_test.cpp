#include "data_preprocessing/dao/retry.hpp"

#include <gtest/gtest.h>

namespace forkcast::preprocessing {
namespace {

using std::chrono::milliseconds;

TEST(Retry, PausesGrowAndEnd) {
  const RetryRules rules{.most_tries = 4, .first_pause = milliseconds(10)};
  EXPECT_EQ(PauseAfter(1, rules), milliseconds(10));
  EXPECT_EQ(PauseAfter(2, rules), milliseconds(20));
  EXPECT_EQ(PauseAfter(3, rules), milliseconds(40));
  EXPECT_EQ(PauseAfter(4, rules), std::nullopt);
}

TEST(Retry, TakesSecondsInAll) {
  milliseconds all{0};
  for (int failures = 1; PauseAfter(failures); ++failures) all += *PauseAfter(failures);
  EXPECT_EQ(all, milliseconds(6200));
}

}  // namespace
}  // namespace forkcast::preprocessing
