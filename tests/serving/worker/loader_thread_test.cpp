#include "serving/worker/loader_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

namespace forkcast::serving {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(LoaderThread, DoesTheFirstThingOnceAndTheOtherAgainAndAgain) {
  std::atomic<int> first = 0;
  std::atomic<int> again = 0;
  std::promise<void> enough;
  LoaderThread thread;
  thread.Start({.first = [&] { return ++first == 1; },
                .again =
                    [&] {
                      if (++again == 3) enough.set_value();
                    },
                .pause = milliseconds(1)});
  enough.get_future().wait();
  while (!thread.Stop()) {
  }
  EXPECT_EQ(first, 1);
  EXPECT_GE(again, 3);
}

TEST(LoaderThread, StopsInItsPause) {
  std::promise<void> begun;
  LoaderThread thread;
  thread.Start({.first =
                    [&] {
                      begun.set_value();
                      return true;
                    },
                .again = [] { FAIL() << "the pause is not over"; },
                .pause = hours(1)});
  begun.get_future().wait();
  while (!thread.Stop()) {
  }
}

TEST(LoaderThread, HurriesWhenItIsAskedTo) {
  std::promise<void> again;
  LoaderThread thread;
  thread.Start(
      {.first = [] { return true; }, .again = [&] { again.set_value(); }, .pause = hours(1)});
  thread.Hurry();
  again.get_future().wait();
  while (!thread.Stop()) {
  }
}

TEST(LoaderThread, IsOverWhenTheFirstThingSaysSo) {
  LoaderThread thread;
  thread.Start({.first = [] { return false; },
                .again = [] { FAIL() << "it was to end"; },
                .pause = milliseconds(0)});
  while (!thread.Stop()) {
  }
}

TEST(LoaderThread, CannotBeStoppedAtWork) {
  std::promise<void> begun;
  std::promise<void> goes_on;
  LoaderThread thread;
  thread.Start({.first =
                    [&] {
                      begun.set_value();
                      goes_on.get_future().wait();
                      return false;
                    },
                .again = [] {},
                .pause = hours(1)});
  begun.get_future().wait();
  EXPECT_FALSE(thread.Stop());
  goes_on.set_value();
  while (!thread.Stop()) {
  }
}

}  // namespace
}  // namespace forkcast::serving
