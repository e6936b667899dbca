#include "model/drift/drift_decision.hpp"

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "drift/simulated_windows.hpp"

namespace forkcast::model {
namespace {

using bench::SimulatedColumn;
using bench::SimulatedWindows;
using bench::TwentyColumns;

/// A column of texts with these counts in the reference, none of them unseen or missing.
ColumnBins Texts(std::vector<double> counts) {
  ColumnBins bins{.name = "x", .is_number = false, .reference = std::move(counts)};
  for (std::size_t i = 0; i < bins.reference.size(); ++i) {
    bins.categories.push_back(std::to_string(i));
  }
  bins.reference.push_back(0);
  bins.reference.push_back(0);
  return bins;
}

struct StatusCase {
  const char* name;
  std::vector<double> reference;
  std::vector<double> window;  ///< Of the categories, the unseen ones and the missing ones.
  DriftStatus first;
  DriftStatus second;
};
void PrintTo(const StatusCase& value, std::ostream* out) { *out << value.name; }

class StatusOfAColumn : public testing::TestWithParam<StatusCase> {};

TEST_P(StatusOfAColumn, IsTheClauseAtWhichItStops) {
  const std::vector<ColumnBins> bins{Texts(GetParam().reference)};
  DriftJudge judge(bins, {});
  EXPECT_EQ(judge.Judge(GetParam().window)[0].status, GetParam().first);
  EXPECT_EQ(judge.Judge(GetParam().window)[0].status, GetParam().second);
}

using enum DriftStatus;
INSTANTIATE_TEST_SUITE_P(
    Clauses, StatusOfAColumn,
    testing::Values(
        StatusCase{
            "OfAWindowThatIsTooSmall", {5000, 5000}, {490, 9, 0, 0}, kTooFewRows, kTooFewRows},
        StatusCase{
            "OfAReferenceThatIsTooSmall", {250, 249}, {5000, 0, 0, 0}, kTooFewRows, kTooFewRows},
        StatusCase{"OfTheSameShares", {5000, 5000}, {2500, 2500, 0, 0}, kTooSmall, kTooSmall},
        // p is 1e-10 there, and nobody needs to know.
        StatusCase{"OfAChangeThatOnlyManyRowsShow",
                   {5e6, 5e6},
                   {505'000, 495'000, 0, 0},
                   kTooSmall,
                   kTooSmall},
        StatusCase{
            "OfAChangeThatChanceExplains", {500, 500}, {275, 225, 0, 0}, kTooSmall, kTooSmall},
        StatusCase{"OfAGreaterOne", {300, 300}, {290, 210, 0, 0}, kByChance, kByChance},
        StatusCase{"OfAChangedShare", {1000, 9000}, {750, 4250, 0, 0}, kNotYet, kAlarm},
        StatusCase{"OfUnseenCategories", {5000, 5000}, {480, 480, 40, 0}, kNotYet, kAlarm},
        StatusCase{"OfMissingValues", {5000, 5000}, {480, 480, 0, 40}, kNotYet, kAlarm},
        StatusCase{"OfOneUnseenRow", {5000, 5000}, {250, 249, 1, 0}, kTooSmall, kTooSmall}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(DriftJudge, AlarmsWhenTwoOfThreeWindowsShowIt) {
  const std::vector<ColumnBins> bins{Texts({1000, 9000})};
  const std::vector<double> same{500, 4500, 0, 0};
  const std::vector<double> other{750, 4250, 0, 0};
  DriftJudge judge(bins, {});
  EXPECT_EQ(judge.Judge(other)[0].status, kNotYet);
  EXPECT_EQ(judge.Judge(same)[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(other)[0].status, kAlarm);
  EXPECT_EQ(judge.Judge(same)[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(same)[0].status, kTooSmall);
  EXPECT_EQ(judge.Judge(other)[0].status, kNotYet);
}

TEST(DriftJudge, AsksForMoreEvidenceWhereThereAreMoreColumns) {
  const std::vector<double> window{295, 205, 0, 0};
  const auto status_among = [&](std::size_t columns) {
    const std::vector<ColumnBins> bins(columns, Texts({3000, 3000}));
    std::vector<double> counts = window;
    for (std::size_t i = 1; i < columns; ++i) counts.insert(counts.end(), {250, 250, 0, 0});
    return DriftJudge(bins, {}).Judge(counts)[0].status;
  };
  EXPECT_EQ(status_among(1), kNotYet);
  EXPECT_EQ(status_among(20), kByChance);
}

TEST(ComparedColumn, HasNoEffectAndNoPWithoutRows) {
  const ColumnDrift drift = CompareColumn(Texts({1000, 9000}), std::vector<double>(4, 0.0));
  EXPECT_EQ(drift.rows, 0);
  EXPECT_EQ(drift.effect, 0);
  EXPECT_EQ(drift.p, 1);
}

TEST(ComparedColumn, TellsShiftsOfNumbersInStandardDeviations) {
  std::vector<SimulatedColumn> columns(1);
  columns[0].shift = 0.5;
  SimulatedWindows windows(columns, 100'000, 7);
  const ColumnDrift drift = CompareColumn(windows.bins()[0], windows.Draw(100'000));
  EXPECT_NEAR(drift.wasserstein, 0.5, 0.1);            // as far as the bins tell
  EXPECT_NEAR(drift.psi, 0.25, 0.02);                  // the shift squared
  EXPECT_NEAR(drift.kolmogorov_smirnov, 0.197, 0.01);  // 2 Phi(0.25) - 1
}

// Small versions of bench/drift, whose figures are in docs/monitoring.md.

class WindowsWithoutDrift : public testing::TestWithParam<std::size_t> {};

TEST_P(WindowsWithoutDrift, AlarmInOnePercentAtMost) {
  constexpr int kReferences = 4;
  constexpr int kWindows = 50;
  int alarms = 0;
  for (std::uint32_t seed = 0; seed < kReferences; ++seed) {
    SimulatedWindows windows(TwentyColumns(), 5'000, seed);
    DriftJudge judge(windows.bins(), {});
    for (int i = 0; i < kWindows; ++i) {
      for (const ColumnDrift& column : judge.Judge(windows.Draw(GetParam()))) {
        alarms += column.status == kAlarm ? 1 : 0;
      }
    }
  }
  EXPECT_LE(alarms, kReferences * kWindows / 100);
}

INSTANTIATE_TEST_SUITE_P(Rows, WindowsWithoutDrift, testing::Values(100, 1'000, 10'000, 100'000));

struct ShiftCase {
  const char* name;
  std::size_t column;
  double shift;
};
void PrintTo(const ShiftCase& value, std::ostream* out) { *out << value.name; }

class AShiftOfOneColumn : public testing::TestWithParam<ShiftCase> {};

TEST_P(AShiftOfOneColumn, IsFoundWithinThreeWindowsInNineteenOfTwentyRuns) {
  constexpr int kRuns = 20;
  int found = 0;
  for (std::uint32_t seed = 0; seed < kRuns; ++seed) {
    std::vector<SimulatedColumn> columns = TwentyColumns();
    columns[GetParam().column].shift = GetParam().shift;
    SimulatedWindows windows(columns, 5'000, seed);
    DriftJudge judge(windows.bins(), {});
    bool alarm = false;
    for (int window = 0; window < 3; ++window) {
      alarm = judge.Judge(windows.Draw(5'000))[GetParam().column].status == kAlarm || alarm;
    }
    found += alarm ? 1 : 0;
  }
  EXPECT_GE(found, kRuns * 95 / 100);
}

INSTANTIATE_TEST_SUITE_P(Shifts, AShiftOfOneColumn,
                         testing::Values(ShiftCase{"ByAFifthOfAStandardDeviation", 3, 0.2},
                                         ShiftCase{"FromTenToFifteenPercent", 12, 0.05}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace forkcast::model
