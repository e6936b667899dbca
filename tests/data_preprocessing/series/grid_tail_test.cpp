#include "data_preprocessing/series/grid_tail.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace forkcast::preprocessing {
namespace {

/// Numbers of keys of consecutive periods from 0 on; 0 is a period without rows.
std::vector<FilledPeriod> Filled(const std::vector<std::size_t>& keys) {
  std::vector<FilledPeriod> filled;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] > 0) filled.push_back({.period = static_cast<PeriodIndex>(i), .keys = keys[i]});
  }
  return filled;
}

std::vector<std::size_t> Repeat(std::vector<std::size_t> pattern, int times,
                                const std::vector<std::size_t>& behind) {
  std::vector<std::size_t> all;
  for (int i = 0; i < times; ++i) all.insert(all.end(), pattern.begin(), pattern.end());
  all.insert(all.end(), behind.begin(), behind.end());
  return all;
}

struct TailCase {
  std::string name;
  Period period = Period::kWeek;
  std::vector<std::size_t> keys;
  std::size_t thin = 0;
};

void PrintTo(const TailCase& one, std::ostream* out) { *out << one.name; }

class ThinEndTest : public testing::TestWithParam<TailCase> {};

TEST_P(ThinEndTest, IsOfPeriodsWithRowsOfFarFewerKeysThanUsual) {
  const std::vector<FilledPeriod> filled = Filled(GetParam().keys);
  EXPECT_EQ(filled.size() - CountBeforeThinEnd(filled, GetParam().period), GetParam().thin);
}

/// A week of shops of which one alone opens on Sundays.
const std::vector<std::size_t> kWeekOfShops{12, 12, 11, 12, 12, 12, 1};

/// A week of hours in shops of which one alone opens at night.
std::vector<std::size_t> HoursOfAWeek() {
  std::vector<std::size_t> keys;
  for (int hour = 0; hour < 168; ++hour) keys.push_back(hour % 24 < 6 ? 1 : 12);
  return keys;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ThinEndTest,
    testing::Values(
        TailCase{"OneOfTwelve", Period::kWeek, Repeat({12}, 10, {1}), 1},
        TailCase{"ThreeOfTwelveMayBeSo", Period::kWeek, Repeat({12, 3}, 10, {3}), 0},
        TailCase{"OneOfThreeThatWereAlwaysThere", Period::kWeek, Repeat({3}, 8, {1}), 1},
        TailCase{"OneOfTwoMayBeSo", Period::kWeek, Repeat({2}, 30, {1}), 0},
        TailCase{"OneKeyAloneIsAll", Period::kWeek, Repeat({1}, 30, {0, 0, 1}), 0},
        TailCase{"SeveralAreThinTogether", Period::kWeek, Repeat({40}, 20, {3, 0, 0, 1, 2}), 3},
        TailCase{"ThinOnesAmongOthersAreNoEnd", Period::kWeek, Repeat({40}, 20, {1, 40}), 0},
        TailCase{"TooFewBeforeToSay", Period::kWeek, {12, 12, 12, 1}, 0},
        TailCase{"FewKeysNowAndThenAreUsual", Period::kWeek, Repeat({5, 2, 4, 1, 3}, 8, {1}), 0},
        TailCase{"ASundayIsLikeOtherSundays", Period::kDay, Repeat(kWeekOfShops, 6, {}), 0},
        TailCase{"AMondayIsNotLikeASunday", Period::kDay, Repeat(kWeekOfShops, 6, {1}), 1},
        TailCase{"WhatGrewIsMeasuredByItsLastYear", Period::kWeek,
                 Repeat({2}, 60, Repeat({80}, 52, {10})), 1},
        TailCase{"ANightIsLikeOtherNights", Period::kHour, Repeat(HoursOfAWeek(), 5, {1, 1}), 0},
        TailCase{"AMorningIsNotLikeANight", Period::kHour,
                 Repeat(HoursOfAWeek(), 5, {1, 1, 1, 1, 1, 1, 1}), 1},
        TailCase{"NothingIsNoEnd", Period::kWeek, {}, 0}),
    [](const auto& param) { return param.param.name; });

struct HoleCase {
  std::string name;
  std::vector<FilledPeriod> periods;
  std::optional<GridHole> hole;
};

void PrintTo(const HoleCase& one, std::ostream* out) { *out << one.name; }

class HoleTest : public testing::TestWithParam<HoleCase> {};

TEST_P(HoleTest, IsExcessiveWhenLongerThanAYearAndThanAllElse) {
  EXPECT_EQ(FindExcessiveHole(GetParam().periods, Period::kWeek), GetParam().hole);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HoleTest,
    testing::Values(
        HoleCase{"Behind", {{0, 1}, {1, 1}, {1000, 1}}, GridHole{2, 998}},
        HoleCase{"Before", {{-1000, 1}, {0, 1}, {1, 1}}, GridHole{1, 999}},
        HoleCase{"AYearMayPass", {{0, 1}, {1, 1}, {55, 1}}, std::nullopt},
        HoleCase{"AWeekMoreMayNot", {{0, 1}, {1, 1}, {56, 1}}, GridHole{2, 54}},
        HoleCase{"AsLongAsAllElseMayBe", {{0, 1}, {50, 1}, {99, 1}, {199, 1}}, std::nullopt},
        HoleCase{"RareRowsAreNoHole", {{0, 1}, {40, 1}, {80, 1}, {120, 1}}, std::nullopt},
        HoleCase{"OnePeriodHasNone", {{7, 1}}, std::nullopt},
        HoleCase{"NoPeriodHasNone", {}, std::nullopt}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
