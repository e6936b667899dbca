#include "data_preprocessing/table/time_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct ReadCase {
  std::string name;
  std::string format;
  std::string text;
  std::string expected;  // empty: not written so
};

void PrintTo(const ReadCase& one, std::ostream* out) { *out << one.format << " of " << one.text; }

class TimeFormatInBerlin : public testing::TestWithParam<ReadCase> {};

TEST_P(TimeFormatInBerlin, IsReadOrRefused) {
  const TimeZone berlin = TimeZone::Load("Europe/Berlin").value();
  const Result<TimeFormat> format = TimeFormat::Make(GetParam().format);
  ASSERT_TRUE(format.ok()) << format.error().message;
  const Result<Instant> instant = format->Parse(GetParam().text, berlin);
  if (GetParam().expected.empty()) {
    ASSERT_FALSE(instant.ok()) << Show(*instant);
    EXPECT_EQ(instant.error().code, ErrorCode::kInvalidArgument);
  } else {
    ASSERT_TRUE(instant.ok()) << instant.error().message;
    EXPECT_EQ(Show(*instant), GetParam().expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Times, TimeFormatInBerlin,
    testing::Values(
        ReadCase{"DayMonthYear", "%d/%m/%Y", "31/12/2024", "2024-12-30T23:00:00Z"},
        ReadCase{"OneDigitWillDo", "%d/%m/%Y", "1/7/2024", "2024-06-30T22:00:00Z"},
        ReadCase{"WithoutMarksDigitsAreFixed", "%Y%m%d", "20240701", "2024-06-30T22:00:00Z"},
        ReadCase{"MonthOfAYear", "%m/%Y", "07/2024", "2024-06-30T22:00:00Z"},
        ReadCase{"TwoDigitsOfAYear", "%d.%m.%y", "01.07.24", "2024-06-30T22:00:00Z"},
        ReadCase{"TwoDigitsOfAYearBefore2000", "%d.%m.%y", "01.07.69", "1969-06-30T23:00:00Z"},
        ReadCase{"HoursAndMinutes", "%Y-%m-%d %H:%M", "2024-07-01 08:05", "2024-07-01T06:05:00Z"},
        ReadCase{"Shorthands", "%F %T", "2024-07-01 08:05:09", "2024-07-01T06:05:09Z"},
        ReadCase{"Fraction", "%F %T.%f", "2024-07-01 08:05:09.5", "2024-07-01T06:05:09.500000Z"},
        ReadCase{"Afternoon", "%m/%d/%Y %I:%M %p", "7/1/2024 1:05 pm", "2024-07-01T11:05:00Z"},
        ReadCase{"TwelveAmIsMidnight", "%m/%d/%Y %I:%M %p", "7/1/2024 12:05 AM",
                 "2024-06-30T22:05:00Z"},
        ReadCase{"NameOfAMonth", "%d-%b-%Y", "01-Jul-2024", "2024-06-30T22:00:00Z"},
        ReadCase{"WholeNameOfAMonth", "%B %d, %Y", "July 1, 2024", "2024-06-30T22:00:00Z"},
        ReadCase{"Offset", "%Y-%m-%dT%H:%M:%S%z", "2024-07-01T08:05:00+05:30",
                 "2024-07-01T02:35:00Z"},
        ReadCase{"WordsBehind", "%Y-%m-%d %H:%M:%S UTC%z", "2024-07-01 08:05:00 UTCZ",
                 "2024-07-01T08:05:00Z"},
        ReadCase{"EpochSeconds", "epoch_s", "1719792000", "2024-07-01T00:00:00Z"},
        ReadCase{"EpochSecondsOfAProgramWithoutMissingIntegers", "epoch_s", "1719792000.0",
                 "2024-07-01T00:00:00Z"},
        ReadCase{"EpochMilliseconds", "epoch_ms", "1719792000123", "2024-07-01T00:00:00.123000Z"},
        ReadCase{"EpochBefore1970", "epoch_s", "-1", "1969-12-31T23:59:59Z"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    NoTimes, TimeFormatInBerlin,
    testing::Values(ReadCase{"TheMonthIsBehindTheDay", "%d/%m/%Y", "12/31/2024", ""},
                    ReadCase{"NoDayOfTheCalendar", "%d/%m/%Y", "30/02/2024", ""},
                    ReadCase{"SomethingBehind", "%d/%m/%Y", "31/12/2024 ", ""},
                    ReadCase{"AYearOfTwoDigits", "%d/%m/%Y", "31/12/24", ""},
                    ReadCase{"AnHourNeverShown", "%F %H", "2021-03-28 02", ""},
                    ReadCase{"HourThirteenOfTwelve", "%F %I %p", "2024-07-01 13 PM", ""},
                    ReadCase{"OneDigitWithoutMarks", "%Y%m%d", "2024701", ""},
                    ReadCase{"AnotherMonth", "%d %b %Y", "1 Ene 2024", ""},
                    ReadCase{"NothingAtAll", "%d/%m/%Y", "", ""},
                    ReadCase{"EpochOfLetters", "epoch_s", "1719792000x", ""},
                    ReadCase{"EpochBeyondTheYear9999", "epoch_s", "253402300800", ""},
                    ReadCase{"EpochOfTooManyDigits", "epoch_ms", "99999999999999999999", ""},
                    ReadCase{"EpochWithoutDigits", "epoch_ms", "-", ""}),
    [](const auto& param) { return param.param.name; });

struct RefusedFormat {
  std::string name;
  std::string format;
  std::string why;
};

void PrintTo(const RefusedFormat& one, std::ostream* out) { *out << one.format; }

class BadTimeFormat : public testing::TestWithParam<RefusedFormat> {};

TEST_P(BadTimeFormat, IsRefused) {
  const auto made = TimeFormat::Make(GetParam().format);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr(GetParam().why));
  EXPECT_THAT(made.error().message, HasSubstr("in the format \"" + GetParam().format + "\""));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadTimeFormat,
    testing::Values(RefusedFormat{"DayAndYearAlone", "%d %y", "a day without a month"},
                    RefusedFormat{"WithoutYear", "%d/%m", "there is no year"},
                    RefusedFormat{"Nothing", "", "there is no year"},
                    RefusedFormat{"MinutesWithoutHours", "%F %M", "a minute without a hour"},
                    RefusedFormat{"AYearTwice", "%Y %y", "the year is given twice"},
                    RefusedFormat{"AMonthTwice", "%Y-%m %b", "the month is given twice"},
                    RefusedFormat{"TwelveHoursWithoutHalf", "%F %I:%M", "need each other"},
                    RefusedFormat{"HalfWithoutTwelveHours", "%F %H:%M %p", "need each other"},
                    RefusedFormat{"OffsetOfADay", "%F%z", "without an hour"},
                    RefusedFormat{"DigitsBehindAFraction", "%H:%M:%S.%f%d/%m/%Y", "follow %f"},
                    RefusedFormat{"AnUnknownDirective", "%Y-%j", "%j is not known"},
                    RefusedFormat{"APercentAtTheEnd", "%Y%", "nothing behind the last %"}),
    [](const auto& param) { return param.param.name; });

TEST(TimeFormatsOf, AreThoseThatReadAllTexts) {
  EXPECT_THAT(TimeFormatsOf({"31/12/2024"}), ElementsAre("%d/%m/%Y"));
  EXPECT_THAT(TimeFormatsOf({"01/02/2024"}), ElementsAre("%d/%m/%Y", "%m/%d/%Y"));
  EXPECT_THAT(TimeFormatsOf({"01/02/2024", "01/31/2024"}), ElementsAre("%m/%d/%Y"));
  EXPECT_THAT(TimeFormatsOf({"1719792000"}), ElementsAre("epoch_s"));
  EXPECT_THAT(TimeFormatsOf({"1719792000000"}), ElementsAre("epoch_ms"));
  EXPECT_THAT(TimeFormatsOf({"20240701"}), ElementsAre("%Y%m%d"));
  EXPECT_THAT(TimeFormatsOf({"12/1/2010 8:26"}), ElementsAre("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"));
}

TEST(TimeFormatsOf, AreNoneForWhatIsNoTime) {
  EXPECT_THAT(TimeFormatsOf({}), IsEmpty());
  EXPECT_THAT(TimeFormatsOf({"31/12/2024", "x"}), IsEmpty());
  EXPECT_THAT(TimeFormatsOf({"7"}), IsEmpty());
}

}  // namespace
}  // namespace forkcast::preprocessing
