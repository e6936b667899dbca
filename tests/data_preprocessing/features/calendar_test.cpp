#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <ostream>
#include <random>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"

namespace forkcast::preprocessing {
namespace {

const std::vector<std::string> kParts{"hour",     "day_of_week", "day_of_month", "day_of_year",
                                      "iso_week", "month",       "quarter",      "year"};

/// All calendar parts of the request's time, in the order of kParts.
FeatureBench CalendarBench(const std::string& zone) {
  auto pipeline = nlohmann::ordered_json::parse(R"({
    "name": "calendar", "version": "1", "tables": {}, "series": {},
    "request": {"fields": {"at": "timestamp"}, "time": "at"}, "features": []
  })");
  pipeline["timezone"] = zone;
  for (const std::string& part : kParts) {
    pipeline["features"].push_back({{"name", part}, {"op", "calendar"}, {"part", part}});
  }
  return {pipeline, {}};
}

struct CalendarCase {
  std::string name;
  std::string zone;
  std::string time;
  std::string parts;  // hour, day of week, of month, of year, ISO week, month, quarter, year
};

void PrintTo(const CalendarCase& one, std::ostream* out) { *out << one.name; }

class CalendarTest : public testing::TestWithParam<CalendarCase> {};

TEST_P(CalendarTest, ShowsThePartsOfTheWallInThePipelinesZone) {
  EXPECT_EQ(CalendarBench(GetParam().zone).Compute({GetParam().time}), GetParam().parts);
}

constexpr auto kBerlin = "Europe/Berlin";

INSTANTIATE_TEST_SUITE_P(
    Cases, CalendarTest,
    testing::Values(
        CalendarCase{"Epoch", "UTC", "1970-01-01T00:00:00Z", "0 4 1 1 1 1 1 1970"},
        CalendarCase{"LastMicrosecondOfADay", "UTC", "2021-07-04T23:59:59.999999Z",
                     "23 7 4 185 26 7 3 2021"},
        CalendarCase{"BeforeTheEpoch", "UTC", "1969-12-31T23:59:59.5Z", "23 3 31 365 1 12 4 1969"},
        CalendarCase{"LeapDay", "UTC", "2024-02-29T12:00:00Z", "12 4 29 60 9 2 1 2024"},
        CalendarCase{"LastDayOfALeapYear", "UTC", "2024-12-31", "0 2 31 366 1 12 4 2024"},
        CalendarCase{"FirstOfJanuaryInWeek53OfTheYearBefore", "UTC", "2021-01-01",
                     "0 5 1 1 53 1 1 2021"},
        CalendarCase{"FirstOfJanuaryInWeek52OfTheYearBefore", "UTC", "2022-01-01",
                     "0 6 1 1 52 1 1 2022"},
        CalendarCase{"FirstOfJanuaryThatIsAMonday", "UTC", "2024-01-01", "0 1 1 1 1 1 1 2024"},
        CalendarCase{"EndOfDecemberInWeek1OfTheNextYear", "UTC", "2018-12-31",
                     "0 1 31 365 1 12 4 2018"},
        CalendarCase{"SundayThatEndsWeek53", "UTC", "2016-01-03", "0 7 3 3 53 1 1 2016"},
        CalendarCase{"QuartersBeginInAprilJulyAndOctober", "UTC", "2023-04-01",
                     "0 6 1 91 13 4 2 2023"},
        CalendarCase{"AnInstantIsShownInTheZone", kBerlin, "2020-12-31T23:30:00Z",
                     "0 5 1 1 53 1 1 2021"},
        CalendarCase{"TimesWithoutZoneAreTheZones", kBerlin, "2021-07-04 20:31:02",
                     "20 7 4 185 26 7 3 2021"},
        CalendarCase{"OffsetsAreConverted", kBerlin, "2021-07-04T20:31:02-05:00",
                     "3 1 5 186 27 7 3 2021"},
        CalendarCase{"LastInstantOfWinterTime", kBerlin, "2021-03-28T00:59:59.999999Z",
                     "1 7 28 87 12 3 1 2021"},
        CalendarCase{"FirstInstantOfSummerTime", kBerlin, "2021-03-28T01:00:00Z",
                     "3 7 28 87 12 3 1 2021"},
        CalendarCase{"TwoOClockBeforeTheClockGoesBack", kBerlin, "2021-10-31T00:59:59Z",
                     "2 7 31 304 43 10 4 2021"},
        CalendarCase{"TwoOClockAfterTheClockWentBack", kBerlin, "2021-10-31T01:00:00Z",
                     "2 7 31 304 43 10 4 2021"},
        CalendarCase{"ThreeOClockThen", kBerlin, "2021-10-31T02:00:00Z",
                     "3 7 31 304 43 10 4 2021"}),
    [](const auto& param) { return param.param.name; });

/// The C library's calendar of one zone, through strftime.
class LibraryCalendar {
 public:
  explicit LibraryCalendar(const std::string& zone) { Set(zone); }
  LibraryCalendar(const LibraryCalendar&) = delete;
  LibraryCalendar& operator=(const LibraryCalendar&) = delete;
  ~LibraryCalendar() { Set(before_); }

  [[nodiscard]] std::string Parts(std::time_t at) const {
    std::tm local{};
    ::localtime_r(&at, &local);
    std::array<char, 100> text{};
    std::strftime(text.data(), text.size(), "%H %u %d %j %V %m ", &local);
    std::string parts;  // strftime pads with zeros, a feature is a number
    for (const char* c = text.data(); *c != '\0'; ++c) {
      const bool starts_number = parts.empty() || parts.back() == ' ';
      if (*c == '0' && starts_number && c[1] != ' ') continue;
      parts += *c;
    }
    return parts + std::to_string(local.tm_mon / 3 + 1) + " " +
           std::to_string(local.tm_year + 1900);
  }

 private:
  static void Set(const std::string& zone) {
    if (zone.empty()) {
      ::unsetenv("TZ");
    } else {
      ::setenv("TZ", zone.c_str(), 1);
    }
    ::tzset();
  }
  const std::string before_ = ::getenv("TZ") == nullptr ? "" : ::getenv("TZ");
};

class CalendarProperty : public testing::TestWithParam<const char*> {};

TEST_P(CalendarProperty, EqualsTheCLibrarysCalendar) {
  const FeatureBench bench = CalendarBench(GetParam());
  FeatureComputer computer = bench.MakeComputer();
  const LibraryCalendar library(GetParam());
  std::mt19937_64 random(42);
  Table rows(bench.spec().request.fields);
  for (int i = 0; i < 5000; ++i) {
    const auto second = static_cast<std::time_t>(random() % 4'102'444'800U);  // 1970 to 2099
    rows.Clear();
    rows.column(0).AppendTimestamp(Instant(std::chrono::seconds(second)));
    ASSERT_EQ(bench.Compute(computer, rows, 0), library.Parts(second)) << second;
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, CalendarProperty,
                         testing::Values("UTC", "Europe/Berlin", "America/St_Johns",
                                         "Australia/Lord_Howe", "Pacific/Apia"));

}  // namespace
}  // namespace forkcast::preprocessing
