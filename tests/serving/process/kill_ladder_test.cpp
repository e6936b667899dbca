#include "serving/process/kill_ladder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr MonotonicTime kStart = MonotonicTime() + 1000h;
constexpr MonotonicTime kBootBy = kStart + 100s;

struct Sent {
  milliseconds after;  // kStart
  int signal;

  friend bool operator==(const Sent&, const Sent&) = default;
};
void PrintTo(const Sent& sent, std::ostream* out) {
  *out << ::strsignal(sent.signal) << " after " << sent.after.count() << " ms";
}

/// What happens to a worker, at kStart; and what it is sent from then on until it is killed.
struct LadderCase {
  const char* name;
  std::function<void(KillLadder&)> happens;
  std::vector<Sent> sent;
};
void PrintTo(const LadderCase& one, std::ostream* out) { *out << one.name; }

class KillLadderSends : public testing::TestWithParam<LadderCase> {};

TEST_P(KillLadderSends, OneSignalAfterTheOther) {
  KillLadder ladder(kBootBy);
  GetParam().happens(ladder);
  std::vector<Sent> sent;
  while (ladder.deadline() != MonotonicTime::max() && ladder.stage() != WorkerStage::kKilled) {
    const MonotonicTime due = ladder.deadline();
    EXPECT_EQ(ladder.Climb(due - 1ms), std::nullopt);
    const std::optional<int> signal = ladder.Climb(due);
    ASSERT_TRUE(signal);
    sent.push_back({std::chrono::duration_cast<milliseconds>(due - kStart), *signal});
  }
  EXPECT_EQ(sent, GetParam().sent);
}

void Ready(KillLadder& ladder) { ladder.OnReady(); }
void Retired(KillLadder& ladder) {
  ladder.OnReady();
  ladder.Retire(kStart + 10s);
}
void Stopped(KillLadder& ladder) {
  ladder.OnReady();
  EXPECT_EQ(ladder.Stop(StopKind::kGraceful, kStart + 25s), KillLadder::Told::kYes);
}
void StoppedQuickly(KillLadder& ladder) {
  ladder.OnReady();
  EXPECT_EQ(ladder.Stop(StopKind::kQuick, kStart + 2s), KillLadder::Told::kYes);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, KillLadderSends,
    testing::Values(LadderCase{"NothingToOneThatIsReady", Ready, {}},
                    LadderCase{"AbortToOneThatDoesNotBoot",
                               [](KillLadder&) {},
                               {{100'000ms, SIGABRT}, {100'500ms, SIGKILL}}},
                    LadderCase{"AllOfThemToOneThatDoesNotRetire",
                               Retired,
                               {{10'000ms, SIGTERM}, {10'500ms, SIGABRT}, {11'000ms, SIGKILL}}},
                    LadderCase{"AllOfThemToOneThatDoesNotStop",
                               Stopped,
                               {{25'000ms, SIGTERM}, {25'500ms, SIGABRT}, {26'000ms, SIGKILL}}},
                    LadderCase{"KillWhenItHasToBeQuick", StoppedQuickly, {{2'000ms, SIGKILL}}},
                    LadderCase{"KillNowAtTheSecondQuickStop",
                               [](KillLadder& ladder) {
                                 StoppedQuickly(ladder);
                                 EXPECT_EQ(ladder.Stop(StopKind::kAtOnce, kStart),
                                           KillLadder::Told::kTooLate);
                               },
                               {{0ms, SIGKILL}}},
                    LadderCase{"KillSoonerWhenAGracefulStopBecomesQuick",
                               [](KillLadder& ladder) {
                                 Stopped(ladder);
                                 EXPECT_EQ(ladder.Stop(StopKind::kQuick, kStart + 2s),
                                           KillLadder::Told::kYes);
                               },
                               {{2'000ms, SIGKILL}}},
                    LadderCase{"TheSameWhenASecondStopWouldBeLater",
                               [](KillLadder& ladder) {
                                 Stopped(ladder);
                                 EXPECT_EQ(ladder.Stop(StopKind::kGraceful, kStart + 30s),
                                           KillLadder::Told::kYes);
                               },
                               {{25'000ms, SIGTERM}, {25'500ms, SIGABRT}, {26'000ms, SIGKILL}}},
                    LadderCase{"AbortAtOnceToOneThatHangs",
                               [](KillLadder& ladder) {
                                 ladder.OnReady();
                                 ladder.OnStuck(kStart);
                               },
                               {{0ms, SIGABRT}, {500ms, SIGKILL}}},
                    LadderCase{"NoMoreTimeToOneThatHangsWhenTheServerStops",
                               [](KillLadder& ladder) {
                                 ladder.OnReady();
                                 ladder.OnStuck(kStart);
                                 EXPECT_EQ(ladder.Stop(StopKind::kGraceful, kStart + 25s),
                                           KillLadder::Told::kTooLate);
                               },
                               {{0ms, SIGABRT}, {500ms, SIGKILL}}},
                    LadderCase{"TheSameToOneThatGetsReadyWhileItRetires",
                               [](KillLadder& ladder) {
                                 ladder.Retire(kStart + 10s);
                                 ladder.OnReady();
                               },
                               {{10'000ms, SIGTERM}, {10'500ms, SIGABRT}, {11'000ms, SIGKILL}}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(KillLadder, KillsAgainAndAgain) {
  KillLadder ladder(kBootBy);
  StoppedQuickly(ladder);
  EXPECT_EQ(ladder.Climb(kStart + 2s), SIGKILL);
  EXPECT_EQ(ladder.Climb(kStart + 2s + KillLadder::kStep), SIGKILL);
}

TEST(KillLadder, SaysWhoIsLeaving) {
  KillLadder ladder(kBootBy);
  EXPECT_FALSE(ladder.leaving());
  ladder.OnReady();
  EXPECT_FALSE(ladder.leaving());
  ladder.Retire(kStart);
  EXPECT_TRUE(ladder.leaving());
}

}  // namespace
}  // namespace forkcast::serving
