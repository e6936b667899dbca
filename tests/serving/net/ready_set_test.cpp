#include "serving/net/ready_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;
using Next = ReadySet<int>::Next;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr MonotonicTime kStart = MonotonicTime() + 1000h;

TEST(ReadySet, LetsThoseGoOnThatWereAddedBeforeTheRound) {
  ReadySet<int> ready;
  int first = 1;
  int second = 2;
  ready.Add(first);
  ready.Add(second);
  const auto round = ready.TakeRound();
  ready.Add(first);  // goes on again, after all others
  EXPECT_THAT(round, ElementsAre(&first, &second));
  EXPECT_THAT(ready.TakeRound(), ElementsAre(&first));
  EXPECT_THAT(ready.TakeRound(), IsEmpty());
}

TEST(ReadySet, WaitsWhenNobodyWentOn) {
  ReadySet<int> ready;
  ready.BeginTurn(kStart);
  EXPECT_EQ(ready.EndRound(/*any=*/true, kStart), Next::kRound);
  EXPECT_EQ(ready.EndRound(/*any=*/false, kStart), Next::kWait);
}

TEST(ReadySet, ComesBackAfterSoManyRounds) {
  ReadySet<int> ready;
  for (int turn = 0; turn < 2; ++turn) {
    ready.BeginTurn(kStart);
    for (int round = 1; round < ReadySet<int>::kRoundsOfATurn; ++round) {
      EXPECT_EQ(ready.EndRound(/*any=*/true, kStart), Next::kRound);
    }
    EXPECT_EQ(ready.EndRound(/*any=*/true, kStart), Next::kLoop);
  }
}

TEST(ReadySet, ComesBackAfterSoMuchTime) {
  ReadySet<int> ready;
  ready.BeginTurn(kStart);
  EXPECT_EQ(ready.EndRound(/*any=*/true, kStart + 999us), Next::kRound);
  EXPECT_EQ(ready.EndRound(/*any=*/true, kStart + 1ms), Next::kLoop);
}

}  // namespace
}  // namespace forkcast::serving
