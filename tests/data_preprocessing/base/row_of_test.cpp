#include "data_preprocessing/base/row_of.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace forkcast {
namespace {

struct UnitRow {
  std::string_view name;
  int hours = 0;
};
constexpr std::array kUnitRows{UnitRow{.name = "hour", .hours = 1},
                               UnitRow{.name = "day", .hours = 24}};
using Unit = RowOf<kUnitRows>;

TEST(RowOf, IsNamedByTheCode) {
  constexpr Unit kDay("day");
  static_assert(kDay->hours == 24);
  EXPECT_EQ(&*kDay, &kUnitRows[1]);
  EXPECT_EQ(kDay, Unit("day"));
  EXPECT_NE(kDay, Unit("hour"));
}

TEST(RowOf, IsFoundByTheNameThatAUserGives) {
  EXPECT_EQ(Unit::Named("hour"), Unit("hour"));
  EXPECT_EQ(Unit::Named("week"), std::nullopt);
  EXPECT_EQ(Unit::Named(""), std::nullopt);
}

TEST(RowOf, ComesInTheOrderOfTheTable) {
  EXPECT_THAT(Unit::All(), testing::ElementsAre(Unit("hour"), Unit("day")));
}

}  // namespace
}  // namespace forkcast
