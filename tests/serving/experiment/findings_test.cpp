#include "serving/experiment/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <ostream>
#include <random>
#include <string>

namespace forkcast::serving {
namespace {

using testing::HasSubstr;
using Mode = ExperimentMode;
using namespace std::chrono_literals;

/// What became of many requests, all much alike.
struct Course {
  std::uint64_t requests = 1000;
  std::uint64_t champion_failures = 0;  ///< Of a canary.
  std::uint64_t challenger_failures = 0;
  std::chrono::microseconds champion_time = 3000us;
  std::chrono::microseconds challenger_time = 3000us;
  double difference = 0;  ///< Of the outputs, in the mean; their spread is 1.
};

void Add(std::uint64_t i, std::uint64_t failures, std::chrono::microseconds time, double output,
         ArmSums& arm) {
  ++arm.requests;
  if (i < failures) ++arm.failures;
  arm.output.Add(output);
  arm.log_seconds.Add(LogSeconds(time + std::chrono::microseconds(i % 100)));
}

ExperimentSums SumsOf(Mode mode, const Course& course) {
  ExperimentSums sums;
  for (std::uint64_t i = 0; i < course.requests; ++i) {
    const double noise = i % 2 == 0 ? 1 : -1;
    Add(i, course.champion_failures, course.champion_time, noise, sums.champion);
    Add(i, course.challenger_failures, course.challenger_time, course.difference + noise,
        sums.challenger);
    if (mode == Mode::kCanary) continue;
    sums.difference.Add(course.difference + noise);
    sums.log_slowdown.Add(LogSeconds(course.challenger_time) - LogSeconds(course.champion_time) +
                          0.01 * noise);
    sums.disagreement.Add(i % 4 == 0 ? 1 : 0);
    ++sums.lines;
    if (i % 4 != 0) ++sums.agreed;
  }
  return sums;
}

constexpr double kMostDifference = 0.5;

ExperimentPlan Plan(Mode mode) {
  ExperimentPlan plan{.deployment = "sales", .challenger = "2", .mode = mode};
  plan.end.max_difference = kMostDifference;
  return plan;
}

struct GuardCase {
  const char* name;
  Mode mode;
  Course course;
  const char* reason;  ///< A part of it; empty: the experiment goes on.

  friend std::ostream& operator<<(std::ostream& out, const GuardCase& one) {
    return out << WordFor(one.mode) << ": " << one.reason;
  }
};

class AGuard : public testing::TestWithParam<GuardCase> {};

TEST_P(AGuard, EndsAnExperimentOnceItIsCertainlyBroken) {
  const GuardCase& one = GetParam();
  const std::string reason =
      WhyEnded(Plan(one.mode), SumsOf(one.mode, one.course)).value_or("goes on");
  EXPECT_THAT(reason, HasSubstr(one.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AGuard,
    testing::Values(
        GuardCase{"OfAShadowThatIsAlike", Mode::kShadow, {}, "goes on"},
        GuardCase{"OfACanaryThatIsAlike", Mode::kCanary, {}, "goes on"},
        GuardCase{"OfAShadowThatFailsTooOften",
                  Mode::kShadow,
                  {.challenger_failures = 50},
                  "fails too often: 50 of its 1000 requests"},
        GuardCase{"OfAShadowThatFailsPerhapsTooOften",
                  Mode::kShadow,
                  {.challenger_failures = 12},
                  "goes on"},
        GuardCase{"OfACanaryThatFailsMoreThanTheChampion",
                  Mode::kCanary,
                  {.challenger_failures = 80},
                  "fails too often"},
        GuardCase{"OfACanaryWhoseChampionFailsAsMuch",
                  Mode::kCanary,
                  {.champion_failures = 80, .challenger_failures = 80},
                  "goes on"},
        GuardCase{"OfAShadowThatIsTooSlow",
                  Mode::kShadow,
                  {.challenger_time = 40'000us},
                  "too slow: it takes at least 10.2 times as long (max_slowdown 5)"},
        GuardCase{
            "OfACanaryThatIsTooSlow", Mode::kCanary, {.challenger_time = 40'000us}, "too slow"},
        GuardCase{"OfAShadowThatIsSlowerAsAllowed",
                  Mode::kShadow,
                  {.challenger_time = 15'000us},
                  "goes on"},
        GuardCase{"OfAShadowWhoseTimesNobodyFeels",
                  Mode::kShadow,
                  {.champion_time = 10us, .challenger_time = 500us},
                  "goes on"},
        GuardCase{"OfAShadowThatDiffersTooMuch",
                  Mode::kShadow,
                  {.difference = 0.8},
                  "differ too much: by"},
        GuardCase{"OfAShadowThatDiffersTooMuchDownwards",
                  Mode::kShadow,
                  {.difference = -0.8},
                  "differ too much: by"},
        GuardCase{
            "OfACanaryThatDiffersTooMuch", Mode::kCanary, {.difference = 0.9}, "differ too much"},
        GuardCase{"OfAShadowThatDiffersAsAllowed", Mode::kShadow, {.difference = 0.4}, "goes on"},
        GuardCase{"OfFewRequests",
                  Mode::kShadow,
                  {.requests = 50, .challenger_time = 90'000us, .difference = 9},
                  "goes on"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(AnExperiment, OfAnEqualChallengerEndsInFewerRunsThanTheConfidenceAllows) {
  // At the edge of all guards at once, looked at after each request.
  constexpr int kRuns = 200;
  constexpr int kRequests = 600;
  const ExperimentPlan plan = Plan(Mode::kShadow);
  std::mt19937_64 random(11);
  std::normal_distribution<double> difference(kMostDifference, 2);
  std::normal_distribution<double> slowdown(std::log(plan.end.max_slowdown), 0.5);
  std::bernoulli_distribution fails(plan.end.max_failures);
  int ended = 0;
  for (int run = 0; run < kRuns; ++run) {
    ExperimentSums sums;
    for (int i = 0; i < kRequests; ++i) {
      ++sums.challenger.requests;
      if (fails(random)) ++sums.challenger.failures;
      sums.difference.Add(difference(random));
      sums.log_slowdown.Add(slowdown(random));
      if (!WhyEnded(plan, sums)) continue;
      ++ended;
      break;
    }
  }
  EXPECT_LE(ended, kRuns * (1 - plan.end.confidence)) << "of " << kRuns;
}

TEST(Findings, AreTheEstimatesOfAShadowWithWhatTheyCanBe) {
  const Findings findings = FindingsOf(
      Plan(Mode::kShadow),
      SumsOf(Mode::kShadow,
             {.challenger_failures = 10, .challenger_time = 7000us, .difference = 0.25}));
  EXPECT_NEAR(findings.challenger_failures.value, 0.01, 1e-12);
  EXPECT_LT(findings.challenger_failures.within.upper, 0.03);
  ASSERT_TRUE(findings.difference);
  EXPECT_NEAR(findings.difference->value, 0.25, 1e-9);
  EXPECT_GT(findings.difference->within.lower, 0.1);
  EXPECT_LT(findings.difference->within.upper, 0.4);
  ASSERT_TRUE(findings.agreement);
  EXPECT_NEAR(findings.agreement->value, 0.75, 1e-12);
  EXPECT_NEAR(findings.slowdown.value, 2, 1e-9) << "of 8 ms and 4 ms, with the unfelt one";
}

TEST(Findings, OfACanaryHaveTheDifferenceOfBothArmsAndNoAgreement) {
  const Findings findings =
      FindingsOf(Plan(Mode::kCanary), SumsOf(Mode::kCanary, {.difference = 2}));
  ASSERT_TRUE(findings.difference);
  EXPECT_NEAR(findings.difference->value, 2, 1e-9);
  EXPECT_FALSE(findings.agreement);
}

TEST(Findings, OfTextsHaveTheShareOfOthersForTheDifference) {
  ExperimentSums sums = SumsOf(Mode::kShadow, {});
  sums.difference = {};
  const Findings findings = FindingsOf(Plan(Mode::kShadow), sums);
  ASSERT_TRUE(findings.difference);
  EXPECT_NEAR(findings.difference->value, 0.25, 1e-12);
}

}  // namespace
}  // namespace forkcast::serving
