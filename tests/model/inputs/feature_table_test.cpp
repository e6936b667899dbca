#include "model/inputs/feature_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "data_preprocessing/features/feature_operator.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kMaxFloat = std::numeric_limits<float>::max();

FeatureTable PriceAndCity() {
  return FeatureTable({{"price", FeatureKind::kNumber}, {"city", FeatureKind::kCategory}});
}

TEST(FeatureTable, KeepsNumbersAndCodesTextsByTheirFirstRow) {
  FeatureTable table = PriceAndCity();
  const std::vector<std::vector<Value>> rows{{1.5, "Ulm"sv},
                                             {std::int64_t{2}, "Bonn"sv},
                                             {true, "Ulm"sv},
                                             {Value{}, Value{}},
                                             {std::nan(""), ""sv}};
  for (const std::vector<Value>& row : rows) ASSERT_TRUE(table.Append(row));
  EXPECT_EQ(table.row_count(), 5U);
  EXPECT_THAT(table.column(0), ElementsAre(1.5F, 2, 1, testing::IsNan(), testing::IsNan()));
  EXPECT_THAT(table.column(1), ElementsAre(0, 1, 0, testing::IsNan(), 2));
  EXPECT_THAT(table.categories(1), ElementsAre("Ulm", "Bonn", ""));
  EXPECT_THAT(table.categories(0), IsEmpty());
}

TEST(FeatureTable, TakesTheRowsOfAnotherAsIfTheyWereAddedOneByOne) {
  using Rows = std::vector<std::vector<Value>>;
  const Rows first{{1.5, "Ulm"sv}, {2.0, "Bonn"sv}};
  const Rows second{{Value{}, "Trier"sv}, {4.0, Value{}}, {5.0, "Ulm"sv}};
  FeatureTable expected = PriceAndCity();
  FeatureTable table = PriceAndCity();
  FeatureTable other = PriceAndCity();
  for (const auto& row : first) ASSERT_TRUE(expected.Append(row) && table.Append(row));
  for (const auto& row : second) ASSERT_TRUE(expected.Append(row) && other.Append(row));
  table.Append(other);
  EXPECT_EQ(table.row_count(), 5U);
  EXPECT_THAT(table.column(0), ElementsAre(1.5F, 2, testing::IsNan(), 4, 5));
  EXPECT_THAT(table.column(1), ElementsAre(0, 1, 2, testing::IsNan(), 0));
  EXPECT_EQ(table.categories(1), expected.categories(1));
  EXPECT_THAT(table.categories(1), ElementsAre("Ulm", "Bonn", "Trier"));
}

TEST(FeatureTable, CopiesTexts) {
  FeatureTable table = PriceAndCity();
  {
    const std::string gone = "a text too long to be kept within a string object";
    ASSERT_TRUE(table.Append(std::vector<Value>{1.0, std::string_view(gone)}));
  }
  EXPECT_EQ(table.categories(1).front(), "a text too long to be kept within a string object");
}

TEST(FeatureTable, AddsNoRowWithAValueOfAnotherKind) {
  FeatureTable table = PriceAndCity();
  const auto error_of = [&table](const Value& price, const Value& city) {
    return table.Append(std::vector<Value>{price, city}).error();
  };
  EXPECT_EQ(error_of("cheap"sv, "Ulm"sv),
            (Error{ErrorCode::kInvalidArgument, "expected a number", "price"}));
  EXPECT_EQ(error_of(Instant{}, "Ulm"sv),
            (Error{ErrorCode::kInvalidArgument, "expected a number", "price"}));
  EXPECT_EQ(error_of(1.0, 89073.0),
            (Error{ErrorCode::kInvalidArgument, "expected a text", "city"}));
  EXPECT_EQ(table.row_count(), 0U);
  EXPECT_THAT(table.column(0), IsEmpty());
  EXPECT_THAT(table.categories(1), IsEmpty());
}

/// Prices as numbers, and cities as values.
struct PricesAndCities {
  preprocessing::FeatureColumn prices{.is_number = true,
                                      .numbers = {0.1, 1e300, preprocessing::kMissingNumber, -0.0}};
  preprocessing::FeatureColumn cities{.values = {Value("Ulm"sv), {}, "Bonn"sv, "Ulm"sv}};
  std::vector<const preprocessing::FeatureColumn*> all{&prices, &cities};
};

TEST(FeatureTable, TakesRowsOfColumnsAsIfEachWereAddedByItself) {
  const PricesAndCities columns;
  FeatureTable together = PriceAndCity();
  FeatureTable one_by_one = PriceAndCity();
  for (const std::vector<std::uint32_t>& rows :
       {std::vector<std::uint32_t>{0, 2, 3}, std::vector<std::uint32_t>{1}}) {
    ASSERT_TRUE(together.Append(columns.all, rows));
    for (const std::uint32_t row : rows) {
      ASSERT_TRUE(one_by_one.Append(
          std::vector<Value>{columns.prices.ValueAt(row), columns.cities.ValueAt(row)}));
    }
  }
  ASSERT_EQ(together.row_count(), 4U);
  EXPECT_EQ(together.categories(1), one_by_one.categories(1));
  for (std::size_t column = 0; column < 2; ++column) {
    for (std::size_t row = 0; row < 4; ++row) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(together.column(column)[row]),
                std::bit_cast<std::uint32_t>(one_by_one.column(column)[row]));
    }
  }
}

TEST(FeatureTable, AddsNoRowOfAColumnOfAnotherKind) {
  PricesAndCities columns;
  FeatureTable table = PriceAndCity();
  std::swap(columns.all[0], columns.all[1]);
  EXPECT_EQ(table.Append(columns.all, std::vector<std::uint32_t>{0}).error(),
            (Error{ErrorCode::kInvalidArgument, "expected a number", "price"}));
  EXPECT_EQ(table.row_count(), 0U);
  EXPECT_THAT(table.column(0), IsEmpty());
}

TEST(NumberAsFloat, IsTheNearestFiniteFloat) {
  EXPECT_EQ(NumberAsFloat(0.1), 0.1F);
  EXPECT_EQ(NumberAsFloat(std::int64_t{16777217}), 16777216.0F);
  EXPECT_EQ(NumberAsFloat(std::numeric_limits<std::int64_t>::min()), -9223372036854775808.0F);
  EXPECT_EQ(NumberAsFloat(kInfinity), kMaxFloat);
  EXPECT_EQ(NumberAsFloat(-1e300), -kMaxFloat);
  EXPECT_EQ(NumberAsFloat(true), 1.0F);
  EXPECT_TRUE(std::isnan(NumberAsFloat({})));
  EXPECT_TRUE(std::signbit(NumberAsFloat(-0.0)));
}

TEST(FeatureColumnOf, KnowsTextsFromNumbersAndRefusesInstants) {
  EXPECT_EQ(FeatureColumnOf("a", ColumnType::kText)->kind, FeatureKind::kCategory);
  for (const ColumnType type : {ColumnType::kInt64, ColumnType::kDouble, ColumnType::kBool}) {
    EXPECT_EQ(*FeatureColumnOf("a", type), (FeatureColumnSpec{"a", FeatureKind::kNumber}));
  }
  EXPECT_EQ(FeatureColumnOf("sold_at", ColumnType::kTimestamp).error().field, "sold_at");
}

}  // namespace
}  // namespace forkcast::model
