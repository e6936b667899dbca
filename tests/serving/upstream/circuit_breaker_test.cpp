#include "serving/upstream/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string_view>
#include <vector>

namespace forkcast::serving {
namespace {

using std::chrono::milliseconds;
using State = CircuitBreaker::State;

constexpr CircuitBreaker::Rules kRules{.failures = 3, .rest = milliseconds(100)};

MonotonicTime At(int ms) { return MonotonicTime(milliseconds(ms)); }

/// What happens at an instant, and the state then.
struct Event {
  enum class What { kSuccess, kFailure, kTrial, kNoTrial } what;
  int at_ms;
  State then;
};
struct BreakerCase {
  const char* name;
  std::vector<Event> events;
};

class Breaker : public testing::TestWithParam<BreakerCase> {};

TEST_P(Breaker, IsInTheState) {
  CircuitBreaker breaker(kRules);
  int number = 0;
  for (const Event& event : GetParam().events) {
    switch (event.what) {
      case Event::What::kSuccess:
        breaker.OnSuccess();
        break;
      case Event::What::kFailure:
        breaker.OnFailure(At(event.at_ms));
        break;
      case Event::What::kTrial:
        EXPECT_TRUE(breaker.BeginTrial(At(event.at_ms))) << "event " << number;
        break;
      case Event::What::kNoTrial:
        EXPECT_FALSE(breaker.BeginTrial(At(event.at_ms))) << "event " << number;
        break;
    }
    EXPECT_EQ(breaker.state(), event.then) << "event " << number;
    ++number;
  }
}

constexpr auto kSuccess = Event::What::kSuccess;
constexpr auto kFailure = Event::What::kFailure;
constexpr auto kTrial = Event::What::kTrial;
constexpr auto kNoTrial = Event::What::kNoTrial;
const std::vector<Event> kOpened{
    {kFailure, 0, State::kClosed}, {kFailure, 1, State::kClosed}, {kFailure, 2, State::kOpen}};

std::vector<Event> Behind(std::vector<Event> events) {
  events.insert(events.begin(), kOpened.begin(), kOpened.end());
  return events;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Breaker,
    testing::Values(
        BreakerCase{"OpensAtTheThirdFailureInARow", kOpened},
        BreakerCase{"StaysClosedWhereASuccessIsBetween",
                    {{kFailure, 0, State::kClosed},
                     {kFailure, 1, State::kClosed},
                     {kSuccess, 2, State::kClosed},
                     {kFailure, 3, State::kClosed},
                     {kFailure, 4, State::kClosed}}},
        BreakerCase{"IsNotTriedWhileItIsClosed", {{kNoTrial, 1000, State::kClosed}}},
        BreakerCase{"IsNotTriedBeforeItHasRested", Behind({{kNoTrial, 101, State::kOpen}})},
        BreakerCase{"IsTriedOnceBehindItsRest",
                    Behind({{kTrial, 102, State::kHalfOpen}, {kNoTrial, 103, State::kHalfOpen}})},
        BreakerCase{"ClosesWhereATrialGoesWell",
                    Behind({{kTrial, 102, State::kHalfOpen}, {kSuccess, 110, State::kClosed}})},
        BreakerCase{"OpensAtTheFirstFailureOfATrialAndRestsTwiceAsLong",
                    Behind({{kTrial, 102, State::kHalfOpen},
                            {kFailure, 110, State::kOpen},
                            {kNoTrial, 309, State::kOpen},
                            {kTrial, 310, State::kHalfOpen},
                            {kFailure, 320, State::kOpen},
                            {kNoTrial, 719, State::kOpen},
                            {kTrial, 720, State::kHalfOpen}})},
        BreakerCase{"RestsAsAtFirstOnceItWasClosed", Behind({{kTrial, 102, State::kHalfOpen},
                                                             {kFailure, 110, State::kOpen},
                                                             {kTrial, 310, State::kHalfOpen},
                                                             {kSuccess, 311, State::kClosed},
                                                             {kFailure, 312, State::kClosed},
                                                             {kFailure, 313, State::kClosed},
                                                             {kFailure, 314, State::kOpen},
                                                             {kNoTrial, 413, State::kOpen},
                                                             {kTrial, 414, State::kHalfOpen}})},
        BreakerCase{"DoesNotListenToWhatWasAskedBeforeItOpened",
                    Behind({{kSuccess, 50, State::kOpen},
                            {kFailure, 60, State::kOpen},
                            {kTrial, 102, State::kHalfOpen}})}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(CircuitBreaker, RestsThirtySecondsAtMost) {
  CircuitBreaker breaker(kRules);
  breaker.Open(At(0));
  int now = 0;
  for (int trial = 0; trial < 20; ++trial) {
    now += 31'000;
    ASSERT_TRUE(breaker.BeginTrial(At(now)));
    breaker.OnFailure(At(now));
  }
  EXPECT_EQ(breaker.trial_at(), At(now) + CircuitBreaker::kLongestRest);
}

TEST(CircuitBreaker, OpensAtOnceWhereItIsToldSo) {
  CircuitBreaker breaker(kRules);
  breaker.Open(At(5));
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.trial_at(), At(105));
}

}  // namespace
}  // namespace forkcast::serving
