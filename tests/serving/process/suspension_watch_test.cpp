#include "serving/process/suspension_watch.hpp"

#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;

TEST(SuspensionWatch, TrustsSignsOfLifeSinceItsStartWhileTurnsAreOnTime) {
  const MonotonicTime start = MonotonicTime() + 1000h;
  SuspensionWatch watch(250ms, start);
  for (auto after = 500ms; after <= 5000ms; after += 500ms) watch.OnTurn(start + after);
  EXPECT_EQ(watch.trusted_from(), start);
}

TEST(SuspensionWatch, TrustsNothingFromBeforeATurnThatTookTooLong) {
  const MonotonicTime start = MonotonicTime() + 1000h;
  SuspensionWatch watch(250ms, start);
  watch.OnTurn(start + 501ms);
  EXPECT_EQ(watch.trusted_from(), start + 501ms);
  watch.OnTurn(start + 700ms);
  EXPECT_EQ(watch.trusted_from(), start + 501ms);
}

}  // namespace
}  // namespace forkcast::serving
