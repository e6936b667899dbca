#include "client/retry_rules.hpp"

#include <gtest/gtest.h>

namespace forkcast::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct RetryCase {
  const char* name;
  TryResult result;
  int tries_made;
  std::optional<milliseconds> delay;
};

class RetryRule : public testing::TestWithParam<RetryCase> {};

TEST_P(RetryRule, Holds) {
  const RetryRules rules{
      .max_tries = 3, .first_delay = milliseconds(100), .max_retry_after = milliseconds(5000)};
  EXPECT_EQ(RetryDelay(rules, GetParam().result, GetParam().tries_made), GetParam().delay);
}

TryResult Broken(TryEnd end, bool reused) { return {.end = end, .reused_connection = reused}; }

TryResult Answered(unsigned status, std::optional<seconds> retry_after = std::nullopt) {
  return {.end = TryEnd::kAnswered, .status = status, .retry_after = retry_after};
}

constexpr std::nullopt_t kNever = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Cases, RetryRule,
    testing::Values(
        RetryCase{"NoConnectionIsTriedAgain", Broken(TryEnd::kNotConnected, false), 1,
                  milliseconds(100)},
        RetryCase{"TheDelayGrows", Broken(TryEnd::kNotConnected, false), 2, milliseconds(400)},
        RetryCase{"NotAFourthTime", Broken(TryEnd::kNotConnected, false), 3, kNever},
        RetryCase{"NothingSentOnANewConnectionIsTriedAgain", Broken(TryEnd::kNothingSent, false), 1,
                  milliseconds(100)},
        RetryCase{"NothingSentOnAKeptConnectionIsTriedAgainAtOnce",
                  Broken(TryEnd::kNothingSent, true), 2, milliseconds(0)},
        RetryCase{"AKeptConnectionThatClosedIsTriedAgainAtOnce",
                  Broken(TryEnd::kClosedBeforeAnswer, true), 1, milliseconds(0)},
        RetryCase{"AKeptConnectionThatClosedIsNotTriedAFourthTime",
                  Broken(TryEnd::kClosedBeforeAnswer, true), 3, kNever},
        RetryCase{"ANewConnectionThatClosedIsNot", Broken(TryEnd::kClosedBeforeAnswer, false), 1,
                  kNever},
        RetryCase{"AnAnswerCutShortIsNot", Broken(TryEnd::kCutShort, true), 1, kNever},
        RetryCase{"ATimeOutIsNot", Broken(TryEnd::kTimedOut, true), 1, kNever},
        RetryCase{"NoHttpIsNot", Broken(TryEnd::kNotHttp, true), 1, kNever},
        RetryCase{"AnAbortIsNot", Broken(TryEnd::kAborted, true), 1, kNever},
        RetryCase{"Status503Is", Answered(503), 1, milliseconds(100)},
        RetryCase{"Status429Is", Answered(429), 2, milliseconds(400)},
        RetryCase{"Status503IsNotAFourthTime", Answered(503, seconds(1)), 3, kNever},
        RetryCase{"RetryAfterIsHonoured", Answered(503, seconds(2)), 1, milliseconds(2000)},
        RetryCase{"RetryAfterZeroIsAtOnce", Answered(429, seconds(0)), 1, milliseconds(0)},
        RetryCase{"RetryAfterIsHonouredUpToFiveSeconds", Answered(503, seconds(3600)), 1,
                  milliseconds(5000)},
        RetryCase{"Status200IsNot", Answered(200), 1, kNever},
        RetryCase{"Status400IsNot", Answered(400), 1, kNever},
        RetryCase{"Status500IsNotWhateverItSays", Answered(500, seconds(1)), 1, kNever},
        RetryCase{"Status504IsNot", Answered(504), 1, kNever}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::client
