#include "data_preprocessing/table/parse_value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

struct TimestampCase {
  std::string name;
  std::string text;
  std::string expected;  // empty: not a timestamp
};

Result<Instant> ParseInBerlin(std::string_view text) {
  static const TimeZone kBerlin = TimeZone::Load("Europe/Berlin").value();
  return ParseTimestamp(text, kBerlin);
}

class TimestampInBerlin : public testing::TestWithParam<TimestampCase> {};

TEST_P(TimestampInBerlin, IsReadOrRefused) {
  const Result<Instant> instant = ParseInBerlin(GetParam().text);
  if (GetParam().expected.empty()) {
    ASSERT_FALSE(instant.ok()) << Show(*instant);
    EXPECT_EQ(instant.error().code, ErrorCode::kInvalidArgument);
  } else {
    ASSERT_TRUE(instant.ok()) << instant.error().message;
    EXPECT_EQ(Show(*instant), GetParam().expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Good, TimestampInBerlin,
    testing::Values(
        TimestampCase{"ADateIsItsMidnight", "2021-07-04", "2021-07-03T22:00:00Z"},
        TimestampCase{"ABlankSeparates", "2021-07-04 20:31:02", "2021-07-04T18:31:02Z"},
        TimestampCase{"ATSeparates", "2021-07-04T20:31:02", "2021-07-04T18:31:02Z"},
        TimestampCase{"WinterIsOneHourEast", "2021-01-04 20:31:02", "2021-01-04T19:31:02Z"},
        TimestampCase{"ZIsUtc", "2021-07-04T20:31:02Z", "2021-07-04T20:31:02Z"},
        TimestampCase{"LowerCaseIsTaken", "2021-07-04t20:31:02z", "2021-07-04T20:31:02Z"},
        TimestampCase{"AnOffsetEast", "2021-07-04T20:31:02+05:30", "2021-07-04T15:01:02Z"},
        TimestampCase{"AnOffsetWest", "2021-07-04T20:31:02-04:00", "2021-07-05T00:31:02Z"},
        TimestampCase{"AnOffsetWithoutColon", "2021-07-04T20:31:02+0530", "2021-07-04T15:01:02Z"},
        TimestampCase{"AnOffsetOfHours", "2021-07-04T20:31:02-04", "2021-07-05T00:31:02Z"},
        TimestampCase{"AnOffsetBehindABlankSeparatedTime", "2021-07-04 20:31:02+02:00",
                      "2021-07-04T18:31:02Z"},
        TimestampCase{"OneDigitOfASecond", "2021-07-04T20:31:02.5Z", "2021-07-04T20:31:02.500000Z"},
        TimestampCase{"DigitsBeyondMicrosecondsAreCut", "2021-07-04T20:31:02.123456789Z",
                      "2021-07-04T20:31:02.123456Z"},
        TimestampCase{"SecondsMayBeAbsent", "2021-07-04T20:31", "2021-07-04T18:31:00Z"},
        TimestampCase{"SecondsMayBeAbsentBeforeAnOffset", "2021-07-04 20:31+02",
                      "2021-07-04T18:31:00Z"},
        TimestampCase{"TheWordUtc", "2021-07-04 20:31:02 UTC", "2021-07-04T20:31:02Z"},
        TimestampCase{"TheWordUtcBehindAFraction", "2021-07-04 20:31:02.25 UTC",
                      "2021-07-04T20:31:02.250000Z"},
        TimestampCase{"AnOffsetOfHoursAsPostgresqlPrintsIt", "2021-07-04 20:31:02+00",
                      "2021-07-04T20:31:02Z"},
        TimestampCase{"ZBehindABlank", "2021-07-04 20:31:02 Z", "2021-07-04T20:31:02Z"},
        TimestampCase{"AnOffsetBehindABlank", "2021-07-04 20:31:02 +0200", "2021-07-04T18:31:02Z"},
        TimestampCase{"ALeapDay", "2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z"},
        TimestampCase{"ALeapDayOfACentury", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        TimestampCase{"BeforeTheEpoch", "1969-12-31T23:59:59.999999Z",
                      "1969-12-31T23:59:59.999999Z"},
        TimestampCase{"TheFirstYear", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        TimestampCase{"TheLastYear", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
        TimestampCase{"TheLastSecondBeforeClocksGoForward", "2021-03-28 01:59:59",
                      "2021-03-28T00:59:59Z"},
        TimestampCase{"TheFirstSecondAfterClocksWentForward", "2021-03-28 03:00:00",
                      "2021-03-28T01:00:00Z"},
        TimestampCase{"ATimeShownTwiceIsItsFirst", "2021-10-31 02:30:00", "2021-10-31T00:30:00Z"},
        TimestampCase{"ATimeShownTwiceWithAnOffsetIsThatOne", "2021-10-31T02:30:00+01:00",
                      "2021-10-31T01:30:00Z"},
        TimestampCase{"ASkippedTimeWithAnOffsetExists", "2021-03-28T02:30:00+02:00",
                      "2021-03-28T00:30:00Z"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Bad, TimestampInBerlin,
    testing::Values(TimestampCase{"Nothing", "", {}}, TimestampCase{"AWord", "yesterday", {}},
                    TimestampCase{"ASkippedTime", "2021-03-28 02:30:00", {}},
                    TimestampCase{"ASkippedTimesFirstSecond", "2021-03-28 02:00:00", {}},
                    TimestampCase{"NoLeapDay", "2021-02-29", {}},
                    TimestampCase{"NoLeapDayOfACentury", "1900-02-29", {}},
                    TimestampCase{"MonthThirteen", "2021-13-01", {}},
                    TimestampCase{"MonthZero", "2021-00-01", {}},
                    TimestampCase{"DayZero", "2021-01-00", {}},
                    TimestampCase{"ThirtyFirstOfApril", "2021-04-31", {}},
                    TimestampCase{"YearZero", "0000-01-01", {}},
                    TimestampCase{"YearOfFiveDigits", "10000-01-01", {}},
                    TimestampCase{"HourTwentyFour", "2021-07-04 24:00:00", {}},
                    TimestampCase{"MinuteSixty", "2021-07-04 20:60:00", {}},
                    TimestampCase{"LeapSecond", "2021-07-04 20:31:60", {}},
                    TimestampCase{"NoMinutes", "2021-07-04 20", {}},
                    TimestampCase{"AColonWithoutSeconds", "2021-07-04 20:31:", {}},
                    TimestampCase{"AFractionOfAMinute", "2021-07-04 20:31.5", {}},
                    TimestampCase{"ABlankBehindATime", "2021-07-04 20:31:02 ", {}},
                    TimestampCase{"TwoBlanksBeforeUtc", "2021-07-04 20:31:02  UTC", {}},
                    TimestampCase{"AnotherZonesName", "2021-07-04 20:31:02 CET", {}},
                    TimestampCase{"UtcAndAnOffset", "2021-07-04 20:31:02 UTC+1", {}},
                    TimestampCase{"ShortFields", "2021-7-4", {}},
                    TimestampCase{"OtherOrder", "04.07.2021", {}},
                    TimestampCase{"BlankInFront", " 2021-07-04", {}},
                    TimestampCase{"BlankBehind", "2021-07-04 ", {}},
                    TimestampCase{"AZoneBehindADate", "2021-07-04Z", {}},
                    TimestampCase{"APointWithoutDigits", "2021-07-04T20:31:02.", {}},
                    TimestampCase{"TenDigitsOfASecond", "2021-07-04T20:31:02.1234567890", {}},
                    TimestampCase{"ASignWithoutOffset", "2021-07-04T20:31:02+", {}},
                    TimestampCase{"AnOffsetWithHalfItsMinutes", "2021-07-04T20:31:02+02:3", {}},
                    TimestampCase{"AnOffsetWithoutItsMinutes", "2021-07-04T20:31:02+02:", {}},
                    TimestampCase{"AnOffsetOfADay", "2021-07-04T20:31:02+24:00", {}},
                    TimestampCase{"TextBehindZ", "2021-07-04T20:31:02Z!", {}},
                    TimestampCase{"DigitsOfAnotherScript", "\u0662\u0660\u0662\u0661-07-04", {}}),
    [](const auto& param) { return param.param.name; });

TEST(Timestamp, ADateWithoutMidnightIsTheStartOfThatDayAndATimeThatWasNotShownIsNone) {
  const TimeZone santiago = TimeZone::Load("America/Santiago").value();
  EXPECT_EQ(Show(*ParseTimestamp("2022-09-11", santiago)), "2022-09-11T04:00:00Z");
  EXPECT_FALSE(ParseTimestamp("2022-09-11 00:00:00", santiago).ok());
  EXPECT_FALSE(ParseTimestamp("2022-09-11T00:30:00", santiago).ok());
}

TEST(Timestamp, IsReadBackFromItsIsoForm) {
  std::mt19937_64 random(7);
  const std::int64_t first = ToMicros(*ParseTimestamp("0001-01-01", TimeZone()));
  const std::int64_t last = ToMicros(*ParseTimestamp("9999-12-31", TimeZone()));
  std::uniform_int_distribution<std::int64_t> any(first, last);
  for (int round = 0; round < 2000; ++round) {
    const Instant instant =
        FromMicros(round % 2 == 0 ? any(random) : any(random) / 1'000'000 * 1'000'000);
    const Result<Instant> back = ParseInBerlin(Show(instant));
    ASSERT_TRUE(back.ok()) << back.error().message;
    ASSERT_EQ(ToMicros(*back), ToMicros(instant)) << Show(instant);
  }
}

TEST(Timestamp, MessageNamesTheFormsAndCutsALongText) {
  const Result<Instant> instant = ParseTimestamp(std::string(1000, 'x'), TimeZone());
  ASSERT_FALSE(instant.ok());
  EXPECT_THAT(instant.error().message, testing::HasSubstr(std::string(kTimestampForms)));
  EXPECT_LT(instant.error().message.size(), 250U);
}

struct ValueCase {
  std::string name;
  ColumnType type;
  std::string text;
  std::string expected;  // empty: refused
};

class ParsedValue : public testing::TestWithParam<ValueCase> {};

TEST_P(ParsedValue, IsAppendedOrRefusedWithoutChange) {
  Column column(GetParam().type);
  const Status appended = AppendParsed(GetParam().text, TimeZone(), column);
  if (GetParam().expected.empty()) {
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(column.size(), 0U);
  } else {
    ASSERT_TRUE(appended.ok()) << appended.error().message;
    ASSERT_EQ(column.size(), 1U);
    EXPECT_EQ(Show(ValueAt(column, 0)), GetParam().expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ParsedValue,
    testing::Values(
        ValueCase{"TextStaysAsItIs", ColumnType::kText, "00123 ", "'00123 '"},
        ValueCase{"EmptyText", ColumnType::kText, "", "''"},
        ValueCase{"Integer", ColumnType::kInt64, "-42", "-42"},
        ValueCase{"IntegerWithLeadingZeros", ColumnType::kInt64, "007", "7"},
        ValueCase{"LargestInteger", ColumnType::kInt64, "9223372036854775807",
                  "9223372036854775807"},
        ValueCase{"IntegerTooLarge", ColumnType::kInt64, "9223372036854775808", {}},
        ValueCase{"IntegerWithPlus", ColumnType::kInt64, "+1", {}},
        ValueCase{"IntegerWithFraction", ColumnType::kInt64, "1.0", {}},
        ValueCase{"IntegerWithBlank", ColumnType::kInt64, " 1", {}},
        ValueCase{"EmptyInteger", ColumnType::kInt64, "", {}},
        ValueCase{"Double", ColumnType::kDouble, "-0.25", "-0.25"},
        ValueCase{"DoubleWithExponent", ColumnType::kDouble, "1e3", "1000"},
        ValueCase{"DoubleWithComma", ColumnType::kDouble, "1,5", {}},
        ValueCase{"DoubleTooLarge", ColumnType::kDouble, "1e999", {}},
        ValueCase{"DoubleTooSmallIsZero", ColumnType::kDouble, "1e-400", "0"},
        ValueCase{"NegativeDoubleTooSmallIsZero", ColumnType::kDouble, "-1e-400", "-0"},
        ValueCase{"DoubleTooSmallByItsZeros", ColumnType::kDouble,
                  "0." + std::string(400, '0') + "1", "0"},
        ValueCase{"DoubleTooSmallByItsZerosAndExponent", ColumnType::kDouble, "0.00001e-320", "0"},
        ValueCase{
            "DoubleTooLargeByItsDigits", ColumnType::kDouble, "1" + std::string(400, '0'), {}},
        ValueCase{"DoubleTooLargeByItsDigitsAndExponent",
                  ColumnType::kDouble,
                  "1" + std::string(400, '0') + "e-10",
                  {}},
        ValueCase{"ExponentBeyondIntegers", ColumnType::kDouble, "1e99999999999999999999", {}},
        ValueCase{"NegativeExponentBeyondIntegers", ColumnType::kDouble, "1e-99999999999999999999",
                  "0"},
        ValueCase{"NotANumber", ColumnType::kDouble, "nan", {}},
        ValueCase{"Infinity", ColumnType::kDouble, "inf", {}},
        ValueCase{"EmptyDouble", ColumnType::kDouble, "", {}},
        ValueCase{"BoolOfPython", ColumnType::kBool, "True", "true"},
        ValueCase{"BoolOfJson", ColumnType::kBool, "false", "false"},
        ValueCase{"BoolInCapitals", ColumnType::kBool, "TRUE", "true"},
        ValueCase{"BoolAsADigit", ColumnType::kBool, "0", "false"},
        ValueCase{"BoolAsAWord", ColumnType::kBool, "yes", {}},
        ValueCase{"BoolAsAnotherNumber", ColumnType::kBool, "2", {}},
        ValueCase{"Timestamp", ColumnType::kTimestamp, "2021-07-04", "2021-07-04T00:00:00Z"},
        ValueCase{"NoTimestamp", ColumnType::kTimestamp, "1625430662", {}}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
