#include "data_preprocessing/table/time_zone.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <random>
#include <string>

namespace forkcast::preprocessing {
namespace {

TEST(TimeZoneLoad, RefusesANameThatTheDatabaseDoesNotKnow) {
  for (const std::string name : {"", "Europe/Atlantis", "../../etc/passwd"}) {
    const Result<TimeZone> zone = TimeZone::Load(name);
    ASSERT_FALSE(zone.ok()) << name;
    EXPECT_EQ(zone.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(zone.error().message, testing::HasSubstr("\"" + name + "\""));
  }
}

TEST(TimeZoneLoad, KeepsTheName) {
  EXPECT_EQ(TimeZone().name(), "UTC");
  EXPECT_EQ(TimeZone::Load("Europe/Berlin")->name(), "Europe/Berlin");
}

TEST(TimeZoneToInstant, NamesTheZoneThatNeverShowedATime) {
  const auto instant =
      TimeZone::Load("Europe/Berlin")->ToInstant({.year = 2021, .month = 3, .day = 28, .hour = 2});
  ASSERT_FALSE(instant.ok());
  EXPECT_THAT(instant.error().message, testing::HasSubstr("does not exist in Europe/Berlin"));
}

struct MidnightCase {
  std::string zone;
  CivilTime day;
  CivilTime utc;  // from when on it is that day
};

void PrintTo(const MidnightCase& one, std::ostream* out) { *out << one.zone; }

class DayWithoutMidnight : public testing::TestWithParam<MidnightCase> {};

TEST_P(DayWithoutMidnight, BeginsWhenTheClocksHaveGoneForward) {
  const MidnightCase& one = GetParam();
  const TimeZone zone = TimeZone::Load(one.zone).value();
  const auto day = std::chrono::floor<std::chrono::days>(FromUtcCivil(one.day));
  const Instant start = FromUtcCivil(one.utc);
  EXPECT_EQ(zone.MidnightOf(day), start);
  EXPECT_EQ(zone.StartOfDay(day), start);
  EXPECT_EQ(zone.ToCivil(start).day, one.day.day);
  EXPECT_NE(zone.ToCivil(start - std::chrono::microseconds(1)).day, one.day.day);
  EXPECT_FALSE(zone.ToInstant(one.day).ok()) << "a time of day that was never shown stays an error";
}

INSTANTIATE_TEST_SUITE_P(
    Zones, DayWithoutMidnight,
    testing::Values(MidnightCase{"America/Santiago",
                                 {.year = 2022, .month = 9, .day = 11},
                                 {.year = 2022, .month = 9, .day = 11, .hour = 4}},
                    MidnightCase{"Africa/Cairo",
                                 {.year = 2023, .month = 4, .day = 28},
                                 {.year = 2023, .month = 4, .day = 27, .hour = 22}},
                    MidnightCase{"Asia/Beirut",
                                 {.year = 2022, .month = 3, .day = 27},
                                 {.year = 2022, .month = 3, .day = 26, .hour = 22}},
                    MidnightCase{"America/Havana",
                                 {.year = 2022, .month = 3, .day = 13},
                                 {.year = 2022, .month = 3, .day = 13, .hour = 5}},
                    MidnightCase{"America/Asuncion",
                                 {.year = 2022, .month = 10, .day = 2},
                                 {.year = 2022, .month = 10, .day = 2, .hour = 4}},
                    MidnightCase{"America/Sao_Paulo",
                                 {.year = 2018, .month = 11, .day = 4},
                                 {.year = 2018, .month = 11, .day = 4, .hour = 3}}),
    [](const auto& param) { return param.param.zone.substr(param.param.zone.find('/') + 1); });

TEST(TimeZoneToCivil, FollowsSummerTime) {
  const TimeZone berlin = TimeZone::Load("Europe/Berlin").value();
  const Instant winter = FromUtcCivil({.year = 2021, .month = 3, .day = 28, .minute = 59});
  EXPECT_EQ(berlin.ToCivil(winter).hour, 1);
  EXPECT_EQ(berlin.ToCivil(winter + std::chrono::minutes(1)).hour, 3);
}

class AnyZone : public testing::TestWithParam<std::string> {};

TEST_P(AnyZone, ShowsATimeThatLeadsBackToItsInstant) {
  const TimeZone zone = TimeZone::Load(GetParam()).value();
  std::mt19937_64 random(11);
  std::uniform_int_distribution<std::int64_t> any(-4'000'000'000'000'000, 4'000'000'000'000'000);
  for (int round = 0; round < 2000; ++round) {
    const Instant instant = FromMicros(any(random));
    const CivilTime shown = zone.ToCivil(instant);
    const Result<Instant> first = zone.ToInstant(shown);
    ASSERT_TRUE(first.ok()) << first.error().message;
    // Of a time shown twice it is the first: never later, and it shows the same.
    ASSERT_LE(*first, instant);
    ASSERT_LE(instant - *first, std::chrono::hours(2));
    ASSERT_EQ(zone.ToCivil(*first), shown);
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, AnyZone,
                         testing::Values("UTC", "Etc/UTC", "Europe/Berlin", "America/New_York",
                                         "Asia/Kathmandu", "Australia/Lord_Howe"),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name) c = std::isalnum(c) != 0 ? c : '_';
                           return name;
                         });

TEST(Utc, AgreesWithTheZoneDatabase) {
  const TimeZone table = TimeZone::Load("Etc/UTC").value();
  std::mt19937_64 random(13);
  std::uniform_int_distribution<std::int64_t> any(-60'000'000'000'000'000, 250'000'000'000'000'000);
  for (int round = 0; round < 2000; ++round) {
    const Instant instant = FromMicros(any(random));
    ASSERT_EQ(TimeZone().ToCivil(instant), table.ToCivil(instant)) << ToMicros(instant);
    ASSERT_EQ(FromUtcCivil(table.ToCivil(instant)), instant);
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
