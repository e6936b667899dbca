#include "serving/process/reload_plan.hpp"

#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

using Asked = ReloadPlan::Asked;
using Ready = ReloadPlan::Ready;

/// A server whose first worker is ready.
ReloadPlan Serving() {
  ReloadPlan plan;
  EXPECT_EQ(plan.OnReady(1), Ready::kFirstEver);
  return plan;
}

TEST(ReloadPlan, StartsWithTheFirstGenerationAndNoReload) {
  const ReloadPlan plan;
  EXPECT_EQ(plan.generation(), 1U);
  EXPECT_FALSE(plan.under_way());
  EXPECT_FALSE(plan.ever_ready());
}

TEST(ReloadPlan, WaitsWithAReloadUntilTheServerServes) {
  ReloadPlan plan;
  EXPECT_EQ(plan.Ask(), Asked::kLater);
  EXPECT_TRUE(plan.asked_again());
  EXPECT_EQ(plan.OnReady(1), Ready::kFirstEver);
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  EXPECT_FALSE(plan.asked_again());
}

TEST(ReloadPlan, TriesANewGenerationUntilAWorkerOfItIsReady) {
  ReloadPlan plan = Serving();
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  EXPECT_EQ(plan.generation(), 2U);
  EXPECT_EQ(plan.kept_generation(), 1U);
  EXPECT_TRUE(plan.IsOnTrial(2));
  EXPECT_FALSE(plan.IsOnTrial(1));

  EXPECT_EQ(plan.OnReady(1), Ready::kOneMore) << "one of the old, started for one that died";
  EXPECT_TRUE(plan.on_trial());
  EXPECT_EQ(plan.OnReady(2), Ready::kProven);
  EXPECT_FALSE(plan.on_trial());
  EXPECT_TRUE(plan.under_way());
  EXPECT_EQ(plan.OnReady(2), Ready::kOneMore);

  plan.Finish();
  EXPECT_FALSE(plan.under_way());
  EXPECT_EQ(plan.generation(), 2U);
}

TEST(ReloadPlan, GoesBackToTheOldGenerationAndNeverUsesANumberTwice) {
  ReloadPlan plan = Serving();
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  plan.Abandon();
  EXPECT_EQ(plan.generation(), 1U);
  EXPECT_FALSE(plan.under_way());
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  EXPECT_EQ(plan.generation(), 3U);
  EXPECT_EQ(plan.kept_generation(), 1U);
}

TEST(ReloadPlan, MakesOneReloadOfAStorm) {
  ReloadPlan plan = Serving();
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(plan.Ask(), Asked::kLater);
  EXPECT_EQ(plan.OnReady(2), Ready::kProven);
  plan.Finish();
  EXPECT_TRUE(plan.asked_again());
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  EXPECT_FALSE(plan.asked_again());
  EXPECT_EQ(plan.generation(), 3U);
}

TEST(ReloadPlan, KeepsNothingOfAReloadWhenTheServerStops) {
  ReloadPlan plan = Serving();
  EXPECT_EQ(plan.Ask(), Asked::kBegins);
  plan.Cancel();
  EXPECT_FALSE(plan.under_way());
  EXPECT_FALSE(plan.IsOnTrial(2));
}

}  // namespace
}  // namespace forkcast::serving
