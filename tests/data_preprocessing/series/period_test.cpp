#include "data_preprocessing/series/period.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_days;

constexpr Period kAllPeriods[] = {Period::kDay,
                                  Period::kWeek,
                                  Period::kMonth,
                                  Period::kQuarter,
                                  Period::kWeekFromTuesday,
                                  Period::kWeekFromWednesday,
                                  Period::kWeekFromThursday,
                                  Period::kWeekFromFriday,
                                  Period::kWeekFromSaturday,
                                  Period::kWeekFromSunday,
                                  Period::kHour,
                                  Period::kHalfHour,
                                  Period::kQuarterHour};
static_assert(std::size(kAllPeriods) == kPeriodKinds);

std::string ShowDay(sys_days day) { return Show(Value(Instant(day))).substr(0, 10); }

struct PeriodCase {
  std::string name;
  Period period;
  std::string day;
  PeriodIndex index;
  std::string first_day;
};

void PrintTo(const PeriodCase& one, std::ostream* out) { *out << one.name; }

class PeriodTest : public testing::TestWithParam<PeriodCase> {};

TEST_P(PeriodTest, HasANumberAndAFirstDay) {
  const PeriodCase& one = GetParam();
  const auto day = std::chrono::floor<days>(At(one.day));
  EXPECT_EQ(PeriodOf(day, one.period), one.index);
  EXPECT_EQ(ShowDay(FirstDayOf(one.index, one.period)), one.first_day);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PeriodTest,
    testing::Values(
        PeriodCase{"TheFirstDayIs0", Period::kDay, "1970-01-01", 0, "1970-01-01"},
        PeriodCase{"TheDayBeforeIsMinus1", Period::kDay, "1969-12-31", -1, "1969-12-31"},
        PeriodCase{"Week0BeginsOnTheMondayBefore1970", Period::kWeek, "1970-01-01", 0,
                   "1969-12-29"},
        PeriodCase{"Week0EndsOnItsSunday", Period::kWeek, "1970-01-04", 0, "1969-12-29"},
        PeriodCase{"Week1BeginsOnTheNextMonday", Period::kWeek, "1970-01-05", 1, "1970-01-05"},
        PeriodCase{"TheSundayBeforeWeek0IsMinus1", Period::kWeek, "1969-12-28", -1, "1969-12-22"},
        PeriodCase{"Week53Of2020ReachesIntoJanuary", Period::kWeek, "2021-01-03", 2661,
                   "2020-12-28"},
        PeriodCase{"Week1Of2021FollowsWeek53", Period::kWeek, "2021-01-04", 2662, "2021-01-04"},
        PeriodCase{"AYearMayBeginInTheWeek1OfItself", Period::kWeek, "2024-12-30", 2870,
                   "2024-12-30"},
        PeriodCase{"January1970IsMonth0", Period::kMonth, "1970-01-31", 0, "1970-01-01"},
        PeriodCase{"December1969IsMonthMinus1", Period::kMonth, "1969-12-01", -1, "1969-12-01"},
        PeriodCase{"January1969IsMonthMinus12", Period::kMonth, "1969-01-31", -12, "1969-01-01"},
        PeriodCase{"ALeapDayIsOfFebruary", Period::kMonth, "2024-02-29", 649, "2024-02-01"},
        PeriodCase{"AWeekMayBeginOnSunday", Period::kWeekFromSunday, "1970-01-03", 0, "1969-12-28"},
        PeriodCase{"AndTheNextOneDoes", Period::kWeekFromSunday, "1970-01-04", 1, "1970-01-04"},
        PeriodCase{"OrOnThursday", Period::kWeekFromThursday, "1970-01-01", 0, "1970-01-01"},
        PeriodCase{"OrOnFriday", Period::kWeekFromFriday, "1970-01-01", 0, "1969-12-26"},
        PeriodCase{"January1970IsInQuarter0", Period::kQuarter, "1970-01-01", 0, "1970-01-01"},
        PeriodCase{"JuneIsInTheSecondQuarter", Period::kQuarter, "2024-06-30", 217, "2024-04-01"},
        PeriodCase{"December1969IsInQuarterMinus1", Period::kQuarter, "1969-12-31", -1,
                   "1969-10-01"},
        PeriodCase{"TheDayAfterIsOfMarch", Period::kMonth, "2024-03-01", 650, "2024-03-01"}),
    [](const auto& param) { return param.param.name; });

TEST(PeriodProperty, APeriodHoldsTheDaysFromItsFirstToTheNextOnesFirst) {
  std::mt19937_64 random(7);
  for (const Period period : kAllPeriods) {
    if (PeriodsOfDay(period) > 1) continue;
    for (int i = 0; i < 10'000; ++i) {
      const sys_days day(days(static_cast<std::int64_t>(random() % 200'000) - 100'000));
      const PeriodIndex index = PeriodOf(day, period);
      ASSERT_LE(FirstDayOf(index, period), day) << ShowDay(day);
      ASSERT_GT(FirstDayOf(index + 1, period), day) << ShowDay(day);
    }
  }
}

struct PartOfADay {
  std::string name;
  Period period;
  std::string instant;
  std::string begins;
  std::string zone = "Europe/Berlin";
};

void PrintTo(const PartOfADay& one, std::ostream* out) { *out << one.name; }

class PartOfADayTest : public testing::TestWithParam<PartOfADay> {};

TEST_P(PartOfADayTest, HoldsTheInstantsFromItsBeginningOn) {
  const PartOfADay& one = GetParam();
  const TimeZone zone = TimeZone::Load(one.zone).value();
  const PeriodIndex index = PeriodOf(At(one.instant), one.period, zone);
  EXPECT_EQ(StartOf(index, one.period, zone), At(one.begins));
  std::string text;
  AppendPeriodText(index, one.period, text);
  EXPECT_EQ(text, one.begins);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PartOfADayTest,
    testing::Values(
        PartOfADay{"AnHour", Period::kHour, "2024-05-01T10:59:59Z", "2024-05-01T10:00:00Z"},
        PartOfADay{"HalfAnHour", Period::kHalfHour, "2024-05-01T10:30:00Z", "2024-05-01T10:30:00Z"},
        PartOfADay{"AQuarter", Period::kQuarterHour, "2024-05-01T10:29:59Z",
                   "2024-05-01T10:15:00Z"},
        PartOfADay{"BeforeItsEpoch", Period::kHour, "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z"},
        PartOfADay{"TheHourThatClocksShowTwice", Period::kHour, "2024-10-27T01:30:00Z",
                   "2024-10-27T01:00:00Z"},
        PartOfADay{"OfAZoneThatIsHalfAnHourOff", Period::kHour, "2024-05-01T10:45:00Z",
                   "2024-05-01T10:00:00Z", "Asia/Kolkata"}),
    [](const auto& param) { return param.param.name; });

struct StartCase {
  std::string name;
  std::string zone;
  std::string day;
  std::string start;  // UTC
  int hours;          // until the next day
};

void PrintTo(const StartCase& one, std::ostream* out) { *out << one.name; }

class StartTest : public testing::TestWithParam<StartCase> {};

TEST_P(StartTest, IsWhenTheDayBeginsOnTheWall) {
  const StartCase& one = GetParam();
  const TimeZone zone = TimeZone::Load(one.zone).value();
  const PeriodIndex day = PeriodOf(std::chrono::floor<days>(At(one.day)), Period::kDay);
  EXPECT_EQ(StartOf(day, Period::kDay, zone), At(one.start));
  EXPECT_EQ(StartOf(day + 1, Period::kDay, zone) - StartOf(day, Period::kDay, zone),
            hours(one.hours));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, StartTest,
    testing::Values(
        StartCase{"Utc", "UTC", "2024-03-31", "2024-03-31", 24},
        StartCase{"TheDayOf23Hours", "Europe/Berlin", "2024-03-31", "2024-03-30T23:00:00Z", 23},
        StartCase{"TheDayOf25Hours", "Europe/Berlin", "2024-10-27", "2024-10-26T22:00:00Z", 25},
        StartCase{"WithoutMidnightItIsOneOClock", "America/Sao_Paulo", "2018-11-04",
                  "2018-11-04T03:00:00Z", 23},
        // At 01:00 of November 6th the clocks showed 00:00 of the 6th again.
        StartCase{"OfTwoMidnightsOfOneDayItIsTheFirst", "America/Havana", "2022-11-06",
                  "2022-11-06T04:00:00Z", 25},
        // At 00:01 of November 7th the clocks showed 23:01 of the 6th again.
        StartCase{"OfTwoMidnightsWithAnotherDayBetweenItIsTheSecond", "America/St_Johns",
                  "2010-11-07", "2010-11-07T03:30:00Z", 24}),
    [](const auto& param) { return param.param.name; });

class ZoneTest : public testing::TestWithParam<const char*> {};

/// So that no row of a period is visible in another's features before the period is over.
TEST_P(ZoneTest, NoInstantOfAPeriodLiesBehindItsEnd) {
  const TimeZone zone = TimeZone::Load(GetParam()).value();
  std::mt19937_64 random(11);
  for (const Period period : kAllPeriods) {
    for (int i = 0; i < 5'000; ++i) {
      const Instant instant{std::chrono::seconds(random() % 2'000'000'000)};
      ASSERT_LT(instant, StartOf(PeriodOf(instant, period, zone) + 1, period, zone))
          << Show(Value(instant));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, ZoneTest,
                         testing::Values("UTC", "Europe/Berlin", "America/St_Johns",
                                         "America/Sao_Paulo", "Pacific/Apia", "America/Santiago",
                                         "America/Havana", "America/Asuncion", "Africa/Cairo",
                                         "Asia/Beirut"));

}  // namespace
}  // namespace forkcast::preprocessing
