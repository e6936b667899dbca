#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/profile/series_profile.hpp"
#include "data_preprocessing/profile/table_profile.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

struct TypeCase {
  std::string name;
  std::vector<std::string> values;
  ColumnSpec expected;
};

void PrintTo(const TypeCase& one, std::ostream* out) { *out << one.name; }

class TypeOfColumn : public testing::TestWithParam<TypeCase> {};

TEST_P(TypeOfColumn, IsTheNarrowestThatTakesEveryValue) {
  const TempFolder folder;
  std::string csv = "c,other\n";
  for (const std::string& value : GetParam().values) csv += value + ",x\n";
  const Result<TableProfile> profile = ProfileTable(folder.Write("t.csv", csv), TimeZone());
  ASSERT_TRUE(profile.ok()) << profile.error().message;
  EXPECT_EQ(profile->rows, GetParam().values.size());
  EXPECT_EQ(profile->columns.front().spec.type, GetParam().expected.type);
  EXPECT_EQ(profile->columns.front().spec.nullable, GetParam().expected.nullable);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TypeOfColumn,
    testing::Values(
        TypeCase{"Integers", {"1", "-20", "0"}, {"c", ColumnType::kInt64}},
        TypeCase{"ZerosAndOnes", {"0", "1"}, {"c", ColumnType::kInt64}},
        TypeCase{"Fractions", {"1", "2.5", "-1e3"}, {"c", ColumnType::kDouble}},
        TypeCase{"LeadingZeros", {"00123", "123"}, {"c", ColumnType::kText}},
        TypeCase{"ZeroPointSomething", {"0.5", "0"}, {"c", ColumnType::kDouble}},
        TypeCase{
            "MoreDigitsThanADoubleKeeps", {"12345678901234567890", "1"}, {"c", ColumnType::kText}},
        TypeCase{"WordsForBools", {"true", "False"}, {"c", ColumnType::kBool}},
        TypeCase{"Dates", {"2024-01-01", "2024-02-29 12:00:00"}, {"c", ColumnType::kTimestamp}},
        TypeCase{"ADateThatIsNone", {"2024-01-01", "2023-02-29"}, {"c", ColumnType::kText}},
        TypeCase{"ANumberAtTheEndThatIsNone", {"1", "2", "n/a"}, {"c", ColumnType::kText}},
        TypeCase{
            "IntegersWithAFractionOfZeros", {"7.0", "8.0", ""}, {"c", ColumnType::kInt64, true}},
        TypeCase{"Holes", {"1", "", "3"}, {"c", ColumnType::kInt64, true}},
        TypeCase{"NothingAtAll", {"", ""}, {"c", ColumnType::kText, true}}),
    [](const auto& param) { return param.param.name; });

TEST(TableProfileTest, CountsWhatIsThere) {
  const TempFolder folder;
  const Result<TableProfile> profile =
      ProfileTable(folder.Write("t.csv", "k,v\na,-1\nb,0\na,-1\nb,\nb,4\n"), TimeZone());
  ASSERT_TRUE(profile.ok()) << profile.error().message;
  EXPECT_EQ(profile->repeated_rows, 1U);
  const ColumnProfile& value = *profile->Find("v");
  EXPECT_EQ(value.distinct, 3U);
  EXPECT_EQ(value.missing, 1U);
  EXPECT_EQ(value.negative, 2U);
  EXPECT_EQ(value.least, -1);
  EXPECT_EQ(value.most, 4);
  EXPECT_EQ(profile->Find("x"), nullptr);
}

TEST(SeriesProfileTest, SaysHowRowsLieInPeriods) {
  const TempFolder folder;
  std::string csv = "k,at\n";
  // a: four Mondays in a row; b: two of them, a month apart.
  for (const char* const row : {"a,2024-01-01", "a,2024-01-08", "a,2024-01-15", "a,2024-01-22",
                                "b,2024-01-01", "b,2024-01-29", ",2024-01-03"}) {
    csv += std::string(row) + "\n";
  }
  const auto profiles = ProfileSeries(
      folder.Write("t.csv", csv), CsvDialect(), {"at", ColumnType::kTimestamp},
      {{{"k", ColumnType::kText, true}}, {}}, TimeZone(), sys_days{year(2024) / 1 / 25});
  ASSERT_TRUE(profiles.ok()) << profiles.error().message;
  const SeriesProfile& by_key = profiles->front();
  EXPECT_EQ(by_key.rows, 6U);
  EXPECT_EQ(by_key.keys, 2U);
  EXPECT_EQ(by_key.first, sys_days{year(2024) / 1 / 1});
  EXPECT_EQ(by_key.last, sys_days{year(2024) / 1 / 29});
  EXPECT_EQ(by_key.repeated, 0U);
  EXPECT_EQ(by_key.later_rows, 1U);
  EXPECT_EQ(by_key.short_keys, 2U);
  EXPECT_EQ(by_key.Of(Period::kWeek).periods, 5U);
  EXPECT_DOUBLE_EQ(by_key.Of(Period::kWeek).share, 6.0 / 9);
  EXPECT_DOUBLE_EQ(by_key.Of(Period::kDay).share, 6.0 / (22 + 29));
  EXPECT_DOUBLE_EQ(by_key.Of(Period::kMonth).share, 1);
  const SeriesProfile& without = profiles->back();
  EXPECT_EQ(without.rows, 7U);
  EXPECT_EQ(without.keys, 1U);
  EXPECT_EQ(without.repeated, 1U);
  EXPECT_TRUE(by_key.Of(Period::kWeek).has_one_row_each);
  EXPECT_FALSE(by_key.Of(Period::kMonth).has_one_row_each);
}

}  // namespace
}  // namespace forkcast::preprocessing
