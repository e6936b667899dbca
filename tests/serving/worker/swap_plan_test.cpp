#include "serving/worker/swap_plan.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "serving/worker/fake_disk.hpp"

namespace forkcast::serving {
namespace {

using Todo = SwapPlan::Todo;
using std::chrono::hours;

/// A disk with an alias and the snapshots of the versions it may mean: version 1 has "a" and "b",
/// version 2 has "b" and "c", which is not published yet. Version 1 is served.
struct Scene {
  Scene() {
    for (const char* file : {"alias", "a", "b"}) disk.Write(file, "");
    Load({"a", "b"});
  }
  void Load(const std::vector<std::string>& snapshots) { plan.OnLoaded(MadeOf(snapshots)); }
  void Fail(const std::vector<std::string>& snapshots) { plan.OnFailed(MadeOf(snapshots), now); }
  Ingredients MadeOf(const std::vector<std::string>& snapshots) const {
    return {.version = disk.LookAt({"alias"}), .snapshots = disk.LookAt(snapshots)};
  }
  void Write(const std::string& path) { disk.Write(path, ""); }
  void Pass(MonotonicTime::duration time) { now += time; }
  Todo Decide() {
    return plan.Decide([this](const auto& path) { return disk.At(path); }, now);
  }

  FakeDisk disk;
  MonotonicTime now{hours(1)};
  SwapPlan plan{7};
};

struct PlanCase {
  const char* name;
  std::function<void(Scene&)> before;
  Todo todo;
};
void PrintTo(const PlanCase& one, std::ostream* out) { *out << one.name; }

class ASwapPlan : public testing::TestWithParam<PlanCase> {};

TEST_P(ASwapPlan, DecidesByWhatIsPublishedAndWhatIsServed) {
  Scene scene;
  GetParam().before(scene);
  EXPECT_EQ(scene.Decide(), GetParam().todo);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ASwapPlan,
    testing::Values(PlanCase{"LeavesAloneWhatDidNotChange", [](Scene&) {}, Todo::kNothing},
                    PlanCase{"LeavesAloneWhatDidNotChangeForLong",
                             [](Scene& on) { on.Pass(hours(9)); }, Todo::kNothing},
                    PlanCase{"TakesAnAliasThatMoved", [](Scene& on) { on.Write("alias"); },
                             Todo::kTakeNew},
                    PlanCase{"TakesASnapshot", [](Scene& on) { on.Write("b"); }, Todo::kTakeNew},
                    PlanCase{"TriesToLoadWhatIsGoneToSayWhy",
                             [](Scene& on) { on.disk.Remove("b"); }, Todo::kTakeNew},
                    PlanCase{"IsContentWithWhatItLoaded",
                             [](Scene& on) {
                               on.Write("b");
                               on.Load({"a", "b"});
                             },
                             Todo::kNothing},
                    PlanCase{"TakesWhatWasPublishedWhileItLoaded",
                             [](Scene& on) {
                               on.Write("a");
                               const Ingredients seen = on.MadeOf({"a", "b"});
                               on.Write("b");
                               on.plan.OnLoaded(seen);
                             },
                             Todo::kTakeNew},
                    PlanCase{"DoesNotTryAgainAtOnce",
                             [](Scene& on) {
                               on.Write("b");
                               on.Fail({"a", "b"});
                             },
                             Todo::kNothing},
                    PlanCase{"TriesAgainLater",
                             [](Scene& on) {
                               on.Write("b");
                               on.Fail({"a", "b"});
                               on.Pass(RestartDelay::kFirst);
                             },
                             Todo::kRetry},
                    PlanCase{"TriesEverMoreSeldom",
                             [](Scene& on) {
                               on.Write("b");
                               for (int i = 0; i < 5; ++i) on.Fail({"a", "b"});
                               on.Pass(RestartDelay::kFirst);
                             },
                             Todo::kNothing},
                    PlanCase{"TriesAtLeastTwiceAMinute",
                             [](Scene& on) {
                               on.Write("b");
                               for (int i = 0; i < 100; ++i) on.Fail({"a", "b"});
                               on.Pass(RestartDelay::kLongest);
                             },
                             Todo::kRetry},
                    PlanCase{"TakesWhatMendsAFailure",
                             [](Scene& on) {
                               on.Write("b");
                               on.Fail({"a", "b"});
                               on.Write("b");
                             },
                             Todo::kTakeNew},
                    PlanCase{"TakesTheSnapshotThatAFailedVersionWantsAndTheServedOneHasNot",
                             [](Scene& on) {
                               on.Write("alias");
                               on.Fail({"b", "c"});
                               on.Write("c");
                             },
                             Todo::kTakeNew},
                    PlanCase{"DoesNotCountEarlierFailuresAgainstWhatIsNew",
                             [](Scene& on) {
                               on.Write("b");
                               for (int i = 0; i < 100; ++i) on.Fail({"a", "b"});
                               on.Write("b");
                               static_cast<void>(on.Decide());
                               on.Fail({"a", "b"});
                               on.Pass(RestartDelay::kFirst);
                             },
                             Todo::kRetry},
                    PlanCase{"ForgetsAFailureWhenWhatIsServedIsPublishedAgain",
                             [](Scene& on) {
                               const FakeDisk before = on.disk;
                               on.Write("alias");
                               on.Fail({"b", "c"});
                               on.disk = before;
                             },
                             Todo::kForget},
                    PlanCase{"ForgetsItOnce",
                             [](Scene& on) {
                               const FakeDisk before = on.disk;
                               on.Write("alias");
                               on.Fail({"b", "c"});
                               on.disk = before;
                               static_cast<void>(on.Decide());
                               on.Pass(hours(9));
                             },
                             Todo::kNothing}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(SwapPlanRetry, IsDueOnlyAfterAFailure) {
  Scene scene;
  EXPECT_FALSE(scene.plan.IsRetryDue(scene.now));
  scene.Write("b");
  scene.Fail({"a", "b"});
  EXPECT_FALSE(scene.plan.IsRetryDue(scene.now));
  scene.Pass(RestartDelay::kFirst);
  EXPECT_TRUE(scene.plan.IsRetryDue(scene.now));
  scene.Load({"a", "b"});
  EXPECT_FALSE(scene.plan.IsRetryDue(scene.now + hours(1)));
}

}  // namespace
}  // namespace forkcast::serving
