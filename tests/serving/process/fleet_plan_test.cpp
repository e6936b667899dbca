#include "serving/process/fleet_plan.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using Stage = WorkerStage;
using Start = FleetPlan::Start;

enum class Reload { kNone, kOnTrial, kProven };

/// The generation to serve is 2; before it there was 1.
ReloadPlan In(Reload reload) {
  ReloadPlan plan;
  plan.OnReady(1);
  plan.Ask();
  if (reload != Reload::kOnTrial) plan.OnReady(2);
  if (reload == Reload::kNone) plan.Finish();
  return plan;
}

constexpr std::size_t kTarget = 2;

struct FleetCase {
  const char* name;
  Reload reload;
  std::vector<FleetMember> members;
  std::vector<std::size_t> retire;
  std::vector<Start> start;
  bool reload_done = false;
};
void PrintTo(const FleetCase& one, std::ostream* out) { *out << one.name; }

class Fleet : public testing::TestWithParam<FleetCase> {};

TEST_P(Fleet, IsPlannedFromWhatRunsAndWhatShould) {
  const FleetCase& param = GetParam();
  const FleetPlan plan = PlanFleet(param.members, In(param.reload), kTarget);
  EXPECT_EQ(plan.retire, param.retire);
  EXPECT_EQ(plan.start, param.start);
  EXPECT_EQ(plan.reload_done, param.reload_done);
}

FleetMember Booting(std::uint64_t generation = 2) { return {.generation = generation}; }
FleetMember Ready(std::uint64_t generation = 2, std::uint64_t connections = 0) {
  return {.generation = generation, .stage = Stage::kReady, .connections = connections};
}
FleetMember WantsRecycling() {
  return {.generation = 2, .stage = Stage::kReady, .wants_recycling = true};
}
FleetMember Leaving(std::uint64_t generation = 2) {
  return {.generation = generation, .stage = Stage::kRetiring, .wants_recycling = true};
}

INSTANTIATE_TEST_SUITE_P(
    WithoutAReload, Fleet,
    testing::Values(
        FleetCase{"AllStartWhenNoneRuns", Reload::kNone, {}, {}, {{2, 2}}},
        FleetCase{"NothingIsToBeDoneWhenAllRun", Reload::kNone, {Ready(), Booting()}, {}, {}},
        FleetCase{"WhoIsLeavingIsReplaced", Reload::kNone, {Ready(), Leaving()}, {}, {{2, 1}}},
        FleetCase{"OverTheTargetTheLeastBusyGoes",
                  Reload::kNone,
                  {Ready(2, 5), Ready(2, 3), Ready(2, 4)},
                  {1},
                  {}},
        FleetCase{"OverTheTargetOneThatBootsGoesFirst",
                  Reload::kNone,
                  {Ready(2, 0), Booting(), Ready(2, 4), Booting()},
                  {1, 3},
                  {}},
        FleetCase{"OneThatWantsRecyclingGetsASuccessorFirst",
                  Reload::kNone,
                  {WantsRecycling(), Ready()},
                  {},
                  {{2, 1}}},
        FleetCase{"ItWaitsWhileTheSuccessorBoots",
                  Reload::kNone,
                  {WantsRecycling(), Ready(), Booting()},
                  {},
                  {}},
        FleetCase{"ItGoesWhenTheSuccessorIsReady",
                  Reload::kNone,
                  {WantsRecycling(), Ready(), Ready()},
                  {0},
                  {}},
        FleetCase{"TwoAreRecycledOneAfterTheOther",
                  Reload::kNone,
                  {WantsRecycling(), WantsRecycling(), Ready()},
                  {0},
                  {{2, 1}}}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(
    OnTrial, Fleet,
    testing::Values(
        FleetCase{"OneTriesBeforeAllFollow", Reload::kOnTrial, {Ready(1), Ready(1)}, {}, {{2, 1}}},
        FleetCase{"NobodyGoesMeanwhile",
                  Reload::kOnTrial,
                  {Ready(1), Ready(1), Ready(1), Booting()},
                  {},
                  {}},
        FleetCase{
            "TheOldOnesDeadAreReplaced", Reload::kOnTrial, {Ready(1), Booting()}, {}, {{1, 1}}},
        FleetCase{"OneThatLeavesTriesNoMore",
                  Reload::kOnTrial,
                  {Ready(1), Ready(1), Leaving(2)},
                  {},
                  {{2, 1}}}),
    [](const auto& param) { return std::string(param.param.name); });

INSTANTIATE_TEST_SUITE_P(Proven, Fleet,
                         testing::Values(FleetCase{"EachThatIsReadyLetsAnOldOneGo",
                                                   Reload::kProven,
                                                   {Ready(1, 7), Ready(1, 6), Ready(2)},
                                                   {1},
                                                   {{2, 1}}},
                                         FleetCase{"OneThatBootsLetsNobodyGo",
                                                   Reload::kProven,
                                                   {Ready(1), Leaving(1), Ready(2), Booting(2)},
                                                   {},
                                                   {}},
                                         FleetCase{"ItIsOverWhenEnoughAreReady",
                                                   Reload::kProven,
                                                   {Ready(1), Leaving(1), Ready(2), Ready(2)},
                                                   {0},
                                                   {},
                                                   true},
                                         FleetCase{
                                             "OldOnesGoAheadWhenFewerAreWantedNow",
                                             Reload::kProven,
                                             {Ready(1), Ready(1), Ready(1), Ready(1), Ready(2)},
                                             {0, 1, 2},
                                             {{2, 1}}},
                                         FleetCase{"AnOldOneThatBootsGoesFirst",
                                                   Reload::kProven,
                                                   {Ready(1), Booting(1), Ready(2)},
                                                   {1},
                                                   {{2, 1}}}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
