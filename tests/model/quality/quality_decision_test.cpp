#include "model/quality/quality_decision.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>

namespace forkcast::model {
namespace {

using enum DriftStatus;
using Worse = MetricReference::Worse;

/// One metric whose folds are these.
QualityReference Reference(std::vector<double> folds, Worse worse = Worse::kGreater,
                           double unit = 0.1) {
  return {.metrics = {{.name = "m", .folds = std::move(folds), .worse = worse, .unit = unit}},
          .rows_of_a_fold = 100};
}

QualityWindow Window(std::optional<double> value, std::uint64_t rows = 100,
                     std::optional<double> variance = 1e-8) {
  return {.from = "a",
          .to = "b",
          .rows = rows,
          .metrics = {{.name = "m", .value = value, .variance = variance}}};
}

struct StatusCase {
  const char* name;
  QualityReference reference;
  QualityWindow window;
  DriftStatus first;
  DriftStatus second;
};
void PrintTo(const StatusCase& value, std::ostream* out) { *out << value.name; }

class StatusOfAMetric : public testing::TestWithParam<StatusCase> {};

TEST_P(StatusOfAMetric, IsTheClauseAtWhichItStops) {
  QualityJudge judge(GetParam().reference, {});
  EXPECT_EQ(judge.Judge(GetParam().window)[0].status, GetParam().first);
  EXPECT_EQ(judge.Judge(GetParam().window)[0].status, GetParam().second);
}

const std::vector<double> kFolds{0.09, 0.1, 0.11, 0.1, 0.1};
INSTANTIATE_TEST_SUITE_P(
    Clauses, StatusOfAMetric,
    testing::Values(
        StatusCase{"OfFewRows", Reference(kFolds), Window(0.5, 29), kTooFewRows, kTooFewRows},
        StatusCase{"OfAMetricThatIsNotDefined", Reference(kFolds), Window(std::nullopt),
                   kTooFewRows, kTooFewRows},
        StatusCase{"OfAnErrorAsInTheFolds", Reference(kFolds), Window(0.1), kTooSmall, kTooSmall},
        StatusCase{"OfASmallerError", Reference(kFolds), Window(0.01), kTooSmall, kTooSmall},
        StatusCase{"OfOneThatIsHardlyGreater", Reference(kFolds), Window(0.105), kTooSmall,
                   kTooSmall},
        StatusCase{"OfOneThatFoldsHaveByChance", Reference(kFolds), Window(0.12), kByChance,
                   kByChance},
        StatusCase{"OfOneThatNoFoldCouldHave", Reference(kFolds), Window(0.2), kNotYet, kAlarm},
        // Folds alike by chance do not make a window certain whose keys differ.
        StatusCase{"OfOneThatOtherKeysWouldNotHave", Reference({0.1, 0.1, 0.1}),
                   Window(0.2, 100, 0.01), kByChance, kByChance},
        StatusCase{"OfFoldsThatDiffer", Reference({0.05, 0.1, 0.2, 0.05, 0.1}), Window(0.2),
                   kByChance, kByChance},
        StatusCase{"OfAShareThatIsLess", Reference({0.9, 0.91, 0.89, 0.9}, Worse::kLess),
                   Window(0.6), kNotYet, kAlarm},
        StatusCase{"OfAShareThatIsMore", Reference({0.6, 0.61, 0.59, 0.6}, Worse::kLess),
                   Window(0.9), kTooSmall, kTooSmall},
        StatusCase{"OfABiasOnTheOtherSide", Reference({0.01, 0, -0.01, 0}, Worse::kApart),
                   Window(-0.2), kNotYet, kAlarm},
        // Nothing is known of how folds differ: only the rows speak.
        StatusCase{"OfASingleFold", Reference({0.1}), Window(0.2), kNotYet, kAlarm},
        StatusCase{"OfASingleFoldAndKey", Reference({0.1}), Window(0.2, 100, std::nullopt),
                   kByChance, kByChance},
        StatusCase{"OfFoldsWithoutAnError", Reference({0, 0, 0}, Worse::kGreater, 0),
                   Window(0.001, 100, 1e-8), kNotYet, kAlarm}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(QualityJudge, TakesHalfOfWhatAFoldHadForEnough) {
  QualityReference reference = Reference(kFolds);
  reference.rows_of_a_fold = 4;  // one series of four weeks
  EXPECT_EQ(QualityJudge(reference, {}).Judge(Window(0.5, 1))[0].status, kTooFewRows);
  EXPECT_EQ(QualityJudge(reference, {}).Judge(Window(0.5, 2))[0].status, kNotYet);
}

TEST(QualityJudge, AlarmsWhenTwoOfThreeWindowsShowIt) {
  const QualityReference reference = Reference(kFolds);
  QualityJudge judge(reference, {});
  EXPECT_EQ(judge.Judge(Window(0.2))[0].status, kNotYet);
  EXPECT_EQ(judge.Judge(Window(0.1))[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(Window(0.2))[0].status, kAlarm);
  EXPECT_EQ(judge.Judge(Window(0.1))[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(Window(0.1))[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(Window(0.2))[0].status, kNotYet);
}

TEST(QualityJudge, ShowsWhatItDoesNotTest) {
  QualityReference reference = Reference(kFolds, Worse::kNone);
  QualityWindow window = Window(0.5);
  window.metrics.push_back({.name = "new"});
  const auto judged = QualityJudge(reference, {}).Judge(window);
  EXPECT_FALSE(judged[0].status);
  EXPECT_NEAR(*judged[0].reference, 0.1, 1e-12);
  EXPECT_FALSE(judged[1].status);
  EXPECT_FALSE(judged[1].reference);
}

/// Folds and windows of one distribution, as if nothing had changed, and two metrics.
TEST(QualityJudge, AlarmsInOneWindowOfAHundredAtMostWhenNothingHasChanged) {
  std::mt19937 random(7);
  std::normal_distribution<double> error(0.1, 0.02);
  int alarms = 0;
  constexpr int kRuns = 2'000;
  constexpr int kWindows = 10;
  for (int run = 0; run < kRuns; ++run) {
    QualityReference reference = Reference({});
    reference.metrics.push_back(reference.metrics[0]);
    reference.metrics[1].name = "n";
    for (MetricReference& metric : reference.metrics) {
      for (int fold = 0; fold < 5; ++fold) metric.folds.push_back(error(random));
      metric.unit = metric.Mean();
    }
    QualityJudge judge(reference, {});
    for (int i = 0; i < kWindows; ++i) {
      QualityWindow window = Window(error(random));
      window.metrics.push_back({.name = "n", .value = error(random), .variance = 1e-8});
      if (HasAlarm(judge.Judge(window))) ++alarms;
    }
  }
  EXPECT_LE(alarms, kRuns * kWindows / 100);
  RecordProperty("alarms", alarms);
}

}  // namespace
}  // namespace forkcast::model
