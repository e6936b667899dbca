#include "serving/net/connection_deadlines.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

using namespace std::chrono_literals;
using Doing = ConnectionDeadlines::Doing;
using Due = ConnectionDeadlines::Due;

constexpr MonotonicTime kStart = MonotonicTime() + 1000h;

struct Drained {
  std::chrono::seconds idle_until;  // after kStart
  std::chrono::seconds stop_by;
};

/// What a connection waits for, since kStart, and when that is over. Timeouts are 60 s for a
/// request and 75 s between two.
struct DeadlineCase {
  const char* name;
  std::optional<Drained> drain;  ///< Before the wait began.
  std::function<void(ConnectionDeadlines&)> waits;
  std::chrono::seconds over;
};
void PrintTo(const DeadlineCase& one, std::ostream* out) { *out << one.name; }

class Deadline : public testing::TestWithParam<DeadlineCase> {};

TEST_P(Deadline, IsOverThen) {
  const DeadlineCase& param = GetParam();
  DrainDeadlines drain;
  if (param.drain) drain.Begin(kStart + param.drain->idle_until, kStart + param.drain->stop_by);
  ConnectionDeadlines deadlines(60s, 75s, drain);
  param.waits(deadlines);
  EXPECT_EQ(deadlines.Tick(kStart + param.over - 1ns), Due::kLater);
  EXPECT_FALSE(deadlines.expired());
  EXPECT_EQ(deadlines.Tick(kStart + param.over), Due::kNow);
  EXPECT_TRUE(deadlines.expired());
}

void ForARequest(ConnectionDeadlines& deadlines) { deadlines.AwaitRequest(kStart); }
void ForTheRest(ConnectionDeadlines& deadlines) { deadlines.AwaitRest(kStart - 10s); }
void ForOthers(ConnectionDeadlines& deadlines) {
  EXPECT_EQ(deadlines.OnRequest(kStart - 10s), kStart + 50s);
  deadlines.AwaitOthers();
}
void ForTheReader(ConnectionDeadlines& deadlines) {
  deadlines.OnRequest(kStart - 10s);
  deadlines.AwaitReader();
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Deadline,
    testing::Values(
        DeadlineCase{"ForARequest", {}, ForARequest, 75s},
        DeadlineCase{"WhatBeginsNoRequestDoesNotProlongIt",
                     {},
                     [](ConnectionDeadlines& deadlines) {
                       deadlines.AwaitRequest(kStart);
                       deadlines.AwaitRequest(kStart + 30s);
                     },
                     75s},
        DeadlineCase{"AfterAnAnswerItBeginsAnew",
                     {},
                     [](ConnectionDeadlines& deadlines) {
                       deadlines.AwaitRequest(kStart - 70s);
                       deadlines.OnRequest(kStart - 10s);
                       deadlines.AwaitRequest(kStart);
                     },
                     75s},
        DeadlineCase{"ForTheRestOfARequest", {}, ForTheRest, 50s},
        DeadlineCase{"ForOthersToBeAnswered", {}, ForOthers, 50s},
        DeadlineCase{"ForAnAnswerToBeRead", {}, ForTheReader, 50s},
        DeadlineCase{"ForARefusalToBeRead",
                     {},
                     [](ConnectionDeadlines& deadlines) {
                       deadlines.OnFault(kStart);
                       deadlines.AwaitReader();
                     },
                     60s},
        DeadlineCase{"ForThePeersEnd",
                     {},
                     [](ConnectionDeadlines& deadlines) { deadlines.AwaitEnd(kStart); },
                     2s},
        DeadlineCase{"DrainingCutsTheWaitForARequest", Drained{1s, 20s}, ForARequest, 1s},
        DeadlineCase{"DrainingLetsARequestArriveUntilTheStop", Drained{1s, 20s}, ForTheRest, 20s},
        DeadlineCase{"DrainingLetsOthersBeAnsweredUntilTheStop", Drained{1s, 20s}, ForOthers, 20s},
        DeadlineCase{"DrainingLetsAnAnswerBeRead", Drained{1s, 20s}, ForTheReader, 50s},
        DeadlineCase{"DrainingProlongsNothing", Drained{100s, 100s}, ForTheRest, 50s}),
    [](const auto& param) { return std::string(param.param.name); });

struct ShortenedCase {
  const char* name;
  Doing doing;
  std::chrono::seconds over;
};
void PrintTo(const ShortenedCase& one, std::ostream* out) { *out << one.name; }

class DrainShortensTheWait : public testing::TestWithParam<ShortenedCase> {};

TEST_P(DrainShortensTheWait, InProgress) {
  DrainDeadlines drain;
  ConnectionDeadlines deadlines(60s, 75s, drain);
  deadlines.OnRequest(kStart);
  deadlines.AwaitReader();
  drain.Begin(kStart + 1s, kStart + 20s);
  deadlines.OnDrain(GetParam().doing);
  EXPECT_EQ(deadlines.Tick(kStart + GetParam().over - 1ns), Due::kLater);
  EXPECT_EQ(deadlines.Tick(kStart + GetParam().over), Due::kNow);
}

INSTANTIATE_TEST_SUITE_P(Cases, DrainShortensTheWait,
                         testing::Values(ShortenedCase{"OfAnIdleOne", Doing::kIdle, 1s},
                                         ShortenedCase{"OfOneThatReads", Doing::kReading, 20s},
                                         ShortenedCase{"NotOfOneThatAnswers", Doing::kAnswering,
                                                       60s}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(ConnectionDeadlines, TellWhichWaitTookTooLong) {
  const DrainDeadlines drain;
  ConnectionDeadlines deadlines(60s, 75s, drain);
  deadlines.AwaitRequest(kStart);
  deadlines.Tick(kStart + 75s);
  EXPECT_TRUE(deadlines.expired_idle());
  deadlines.OnRequest(kStart + 75s);
  EXPECT_FALSE(deadlines.expired_idle()) << "one has come all the same";
}

TEST(DrainDeadlines, CanOnlyBeShortened) {
  DrainDeadlines drain;
  EXPECT_FALSE(drain.begun);
  drain.Begin(kStart + 10s, kStart + 20s);
  drain.Begin(kStart + 15s, kStart + 12s);
  EXPECT_TRUE(drain.begun);
  EXPECT_EQ(drain.idle_until, kStart + 10s);
  EXPECT_EQ(drain.stop_by, kStart + 12s);
}

}  // namespace
}  // namespace forkcast::serving
