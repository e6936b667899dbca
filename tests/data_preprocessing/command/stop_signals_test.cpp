#include "data_preprocessing/command/stop_signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <initializer_list>

namespace forkcast::preprocessing {
namespace {

class Stopping : public testing::TestWithParam<int> {};

TEST_P(Stopping, IsAskedForWhileOneExists) {
  const StopSignals signals;
  EXPECT_FALSE(StopSignals::Requested());
  ::raise(GetParam());
  EXPECT_TRUE(StopSignals::Requested());
}

TEST_P(Stopping, ByASignalThatHadToWaitIsAskedForFromTheFirstMoment) {
  sigset_t waiting;
  ::sigemptyset(&waiting);
  ::sigaddset(&waiting, GetParam());
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &waiting, &before);
  ::raise(GetParam());
  {
    const StopSignals signals;
    EXPECT_TRUE(StopSignals::Requested());
  }
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_EQ(::sigismember(&after, GetParam()), 1) << "it waits again";
}

TEST_P(Stopping, ThatWasAskedForBeforeIsForgottenByTheNext) {
  {
    const StopSignals signals;
    ::raise(GetParam());
  }
  const StopSignals signals;
  EXPECT_FALSE(StopSignals::Requested());
}

INSTANTIATE_TEST_SUITE_P(Signals, Stopping, testing::Values(SIGTERM, SIGINT),
                         [](const auto& tested) {
                           return tested.param == SIGTERM ? "Term" : "Int";
                         });

}  // namespace
}  // namespace forkcast::preprocessing
