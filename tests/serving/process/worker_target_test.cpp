#include "serving/process/worker_target.hpp"

#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

TEST(WorkerTarget, IsAtLeastOne) {
  WorkerTarget target(2, 16);
  target.Decrease();
  EXPECT_EQ(target.workers(), 1U);
  target.Decrease();
  EXPECT_EQ(target.workers(), 1U);
  target.Set(0);
  EXPECT_EQ(target.workers(), 1U);
}

TEST(WorkerTarget, LeavesHalfTheSlotsToAGenerationThatGoes) {
  WorkerTarget target(7, 16);
  target.Increase();
  EXPECT_EQ(target.workers(), 8U);
  target.Increase();
  EXPECT_EQ(target.workers(), 8U);
  target.Set(1000);
  EXPECT_EQ(target.workers(), 8U);
}

}  // namespace
}  // namespace forkcast::serving
