#include "serving/jobs/lease_guard.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>

#include "serving/process/child_process.hpp"
#include "support/eventually.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

MonotonicTime In(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

/// A process that does nothing, for as long as it lives.
class Idle {
 public:
  ~Idle() {
    if (!end_) process_.Signal(SIGKILL);
    EXPECT_TRUE(Eventually([this] { return HasEnded(); }));
  }
  [[nodiscard]] int pidfd() const noexcept { return process_.pidfd(); }
  [[nodiscard]] bool HasEnded() {
    if (!end_) end_ = process_.Reap();
    return end_.has_value();
  }
  [[nodiscard]] bool was_killed() const { return end_ && end_->killed && end_->code == SIGKILL; }

 private:
  ChildProcess process_ = ChildProcess::Start([] {},
                                              [](int) {
                                                while (true) ::pause();
                                                return 0;
                                              },
                                              SIGKILL);
  std::optional<ChildEnd> end_;
};

TEST(LeaseGuard, KillsWhoseTimeIsOverWithoutBeingAsked) {
  LeaseGuard guard;
  Idle process;
  const auto lease = guard.Watch(process.pidfd(), In(milliseconds(20)));
  EXPECT_TRUE(Eventually([&] { return process.HasEnded(); }));
  EXPECT_TRUE(process.was_killed());
  EXPECT_TRUE(lease->is_over());
  lease->Extend(In(hours(1)));
  EXPECT_TRUE(lease->is_over());
}

TEST(LeaseGuard, LeavesThoseWhoHaveTimeAndThoseWhoAreNotWatchedAnyMore) {
  LeaseGuard guard;
  Idle extended;
  Idle released;
  Idle late;
  const auto lease = guard.Watch(extended.pidfd(), In(hours(1)));
  lease->Extend(In(hours(2)));
  guard.Watch(released.pidfd(), In(hours(1))).reset();
  // Earlier than all that the guard waits for.
  const auto first = guard.Watch(late.pidfd(), In(milliseconds(20)));
  EXPECT_TRUE(Eventually([&] { return late.HasEnded(); }));
  EXPECT_FALSE(extended.HasEnded());
  EXPECT_FALSE(lease->is_over());
  EXPECT_FALSE(released.HasEnded());
}

TEST(LeaseGuard, EndsWithoutWaitingForAnybodysTime) {
  Idle process;
  const auto begun = std::chrono::steady_clock::now();
  {
    LeaseGuard guard;
    const auto lease = guard.Watch(process.pidfd(), In(hours(1)));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
  EXPECT_FALSE(process.HasEnded());
}

}  // namespace
}  // namespace forkcast::serving
