#include "data_preprocessing/table/time_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "data_preprocessing/table/parse_value.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::HasSubstr;

TimeZone Berlin() { return TimeZone::Load("Europe/Berlin").value(); }

TimePattern Pattern(std::string_view text) { return TimePattern::Make(text).value(); }

struct ReadCase {
  std::string name;
  std::string pattern;
  std::string text;
  std::string expected;  // empty: not written so
};

class TimePatternInBerlin : public testing::TestWithParam<ReadCase> {};

TEST_P(TimePatternInBerlin, IsReadOrRefused) {
  const Result<Instant> instant = Pattern(GetParam().pattern).Parse(GetParam().text, Berlin());
  if (GetParam().expected.empty()) {
    ASSERT_FALSE(instant.ok()) << Show(*instant);
    EXPECT_EQ(instant.error().code, ErrorCode::kInvalidArgument);
  } else {
    ASSERT_TRUE(instant.ok()) << instant.error().message;
    EXPECT_EQ(Show(*instant), GetParam().expected);
  }
}

TEST(TimePatternTest, ADateWithoutMidnightIsTheStartOfThatDay) {
  const TimeZone santiago = TimeZone::Load("America/Santiago").value();
  EXPECT_EQ(Show(*Pattern("DD.MM.YYYY").Parse("11.09.2022", santiago)), "2022-09-11T04:00:00Z");
  EXPECT_FALSE(Pattern("DD.MM.YYYY HH").Parse("11.09.2022 00", santiago).ok());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TimePatternInBerlin,
    testing::Values(
        ReadCase{"AMonthIsItsFirstMidnight", "YYYY-MM", "2021-07", "2021-06-30T22:00:00Z"},
        ReadCase{"AYearIsItsFirstMidnight", "YYYY", "2021", "2020-12-31T23:00:00Z"},
        ReadCase{"PartsStandInAnyOrder", "DD.MM.YYYY", "04.07.2021", "2021-07-03T22:00:00Z"},
        ReadCase{"NothingNeedsToSeparate", "YYYYMMDD", "20210704", "2021-07-03T22:00:00Z"},
        ReadCase{"MBehindHIsMinutes", "YYYY-MM-DD HH:MM", "2021-07-04 20:31",
                 "2021-07-04T18:31:00Z"},
        ReadCase{"ZAtTheEndIsUtc", "YYYY-MM-DDTHH:MM:SSZ", "2021-07-04T20:31:02Z",
                 "2021-07-04T20:31:02Z"},
        ReadCase{"ThereIsNoMonthThirteen", "YYYY-MM", "2021-13", ""},
        ReadCase{"ThereIsNoMonthZero", "YYYY-MM", "2021-00", ""},
        ReadCase{"ThereIsNoYearZero", "YYYY-MM", "0000-01", ""},
        ReadCase{"ADayMustBeOnTheCalendar", "YYYY-MM-DD", "2021-02-29", ""},
        ReadCase{"ThereIsNoHour24", "YYYY-MM-DD HH", "2021-02-28 24", ""},
        ReadCase{"AnHourNeverShownIsRefused", "YYYY-MM-DD HH", "2021-03-28 02", ""},
        ReadCase{"TooFewDigitsAreRefused", "YYYY-MM", "2021-7", ""},
        ReadCase{"SomethingBehindIsRefused", "YYYY-MM", "2021-07-04", ""},
        ReadCase{"AnotherSeparatorIsRefused", "YYYY-MM", "2021/07", ""},
        ReadCase{"NothingIsRefused", "YYYY-MM", "", ""}),
    [](const auto& param) { return param.param.name; });

struct RefusedPattern {
  std::string name;
  std::string pattern;
  std::string why;
};

class BadTimePattern : public testing::TestWithParam<RefusedPattern> {};

TEST_P(BadTimePattern, IsRefused) {
  const auto made = TimePattern::Make(GetParam().pattern);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTimePattern,
    testing::Values(RefusedPattern{"WithoutYear", "MM-DD", "no YYYY"},
                    RefusedPattern{"DayWithoutMonth", "YYYY-DD", "DD without MM"},
                    RefusedPattern{"MinutesWithoutHours", "YYYY-MM-DD SS", "SS without MM"},
                    RefusedPattern{"AYearTwice", "YYYY-YYYY", "YYYY is given twice"},
                    RefusedPattern{"AMonthTwice", "YYYY-MM-MM", "MM is given twice"},
                    RefusedPattern{"Nothing", "", "no YYYY"}),
    [](const auto& param) { return param.param.name; });

TEST(TimePattern, ReadsWhatItWrites) {
  std::mt19937_64 random(11);
  std::uniform_int_distribution<std::int64_t> seconds(0, 4'000'000'000);
  for (const char* text : {"YYYY-MM-DDTHH:MM:SSZ", "DD/MM/YYYY HH:MM:SSZ", "YYYYMMDDHHMMSSZ"}) {
    const TimePattern pattern = Pattern(text);
    for (int i = 0; i < 1000; ++i) {
      const Instant instant{std::chrono::seconds(seconds(random))};
      std::string written;
      pattern.Append(instant, Berlin(), written);
      const auto read = pattern.Parse(written, Berlin());
      ASSERT_TRUE(read.ok()) << written;
      EXPECT_EQ(*read, instant) << written;
    }
  }
}

TEST(TimePattern, CutsATimeToWhatItShows) {
  std::string written;
  Pattern("YYYY-MM").Append(ParseTimestamp("2021-06-30 23:00:00Z", {}).value(), Berlin(), written);
  EXPECT_EQ(written, "2021-07");
}

}  // namespace
}  // namespace forkcast::preprocessing
