#include "serving/process/worker_end.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

struct EndCase {
  const char* name;
  EndedWorker worker;
  EndMeans meaning;
};
void PrintTo(const EndCase& one, std::ostream* out) { *out << one.name; }

class WorkerEnd : public testing::TestWithParam<EndCase> {};

TEST_P(WorkerEnd, MeansWhatItWasDoing) {
  EXPECT_EQ(MeaningOf(GetParam().worker), GetParam().meaning);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WorkerEnd,
    testing::Values(
        EndCase{"OneThatServedIsReplaced", {}, EndMeans::kReplace},
        EndCase{"OneThatRetiredIsNot", {.stage = WorkerStage::kRetiring}, EndMeans::kAsWanted},
        EndCase{
            "OneThatHadToBeSignalledCounts", {.stage = WorkerStage::kAborted}, EndMeans::kReplace},
        EndCase{"WhileTheServerStopsAllMayGo",
                {.stage = WorkerStage::kKilled, .server_stops = true},
                EndMeans::kAsWanted},
        EndCase{"BeforeAnyWasReadyTheServerFails",
                {.stage = WorkerStage::kBooting, .any_ever_ready = false},
                EndMeans::kServerFails},
        EndCase{"OnTrialTheReloadFails",
                {.stage = WorkerStage::kBooting, .on_trial = true},
                EndMeans::kReloadFails}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(WorkerEnd, SaysWhyTheServerFailsOrThatItCouldNotBoot) {
  EXPECT_EQ(ExitCodeAfter({.killed = false, .code = kExitUsage}), kExitUsage);
  EXPECT_EQ(ExitCodeAfter({.killed = false, .code = kExitBootFailed}), kExitBootFailed);
  EXPECT_EQ(ExitCodeAfter({.killed = false, .code = kExitOk}), kExitBootFailed);
  EXPECT_EQ(ExitCodeAfter({.killed = true, .code = SIGKILL}), kExitBootFailed);
  EXPECT_EQ(ExitCodeAfter({.killed = true, .code = SIGINT}), kExitBootFailed);
}

}  // namespace
}  // namespace forkcast::serving
