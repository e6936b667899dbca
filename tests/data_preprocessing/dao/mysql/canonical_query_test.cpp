#include "data_preprocessing/dao/mysql/canonical_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace forkcast::preprocessing {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A query as the server keeps it, and whether it may read column `sold` of table `stock`.
struct Reading {
  std::string name;
  std::string text;
  bool reads;
};

void PrintTo(const Reading& reading, std::ostream* out) { *out << reading.name; }

class CanonicalQuery : public testing::TestWithParam<Reading> {};

TEST_P(CanonicalQuery, TellsWhetherAColumnIsRead) {
  EXPECT_EQ(MayRead(GetParam().text, {"shop", "stock"}, "sold"), GetParam().reads);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, CanonicalQuery,
    testing::Values(
        Reading{"ByTheNameOfItsTable",
                "select `shop`.`stock`.`code` AS `code` from `shop`.`stock` where "
                "`shop`.`stock`.`sold` <> 0",
                true},
        Reading{"ByAnAlias",
                "select `s`.`code` AS `code` from `shop`.`stock` `s` order by `s`.`sold`", true},
        Reading{"InUpperCase",
                "select `S`.`code` AS `code` from `shop`.`STOCK` `S` where `S`.`SOLD`", true},
        Reading{"BehindAPartition",
                "select `s`.`sold` AS `x` from `shop`.`stock` PARTITION (`p0`) `s`", true},
        Reading{"BehindATime",
                "select `s`.`sold` AS `x` from `shop`.`stock` FOR SYSTEM_TIME AS OF TIMESTAMP "
                "'2021-01-01' `s`",
                true},
        Reading{"InASubquery",
                "select `x`.`code` AS `code` from (select `shop`.`stock`.`code` AS `code`,"
                "`shop`.`stock`.`sold` AS `sold` from `shop`.`stock`) `x`",
                true},
        Reading{"WithoutATable", "select `sold` AS `x` from `shop`.`stock`", true},
        Reading{"NotAsTheNameOfAResult",
                "select count(0) AS `sold` from `shop`.`stock` order by count(0)", false},
        Reading{"NotOfAnotherTable",
                "select `o`.`sold` AS `x` from (`shop`.`orders` `o` join `shop`.`stock` `s` "
                "on(`o`.`code` = `s`.`code`))",
                false},
        Reading{"NotOfATableOfTheSameNameElsewhere",
                "select `s`.`sold` AS `x` from `other`.`stock` `s`", false},
        Reading{"NotWithoutItsTable", "select 'sold' AS `x` from `shop`.`orders`", false}),
    [](const auto& reading) { return reading.param.name; });

TEST(NamesInAQuery, AreThoseBehindADatabase) {
  const auto names =
      NamesIn("select `v`.`code` AS `code` from `shop`.`a view` `v` where 'x`y' > 1");
  EXPECT_THAT(names, Contains(FullName("shop", "a view")));
  EXPECT_THAT(names, Not(Contains(FullName("code", "shop"))));
}

/// What a text does not tell.
struct Untold {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const Untold& untold, std::ostream* out) { *out << untold.name; }

class UntoldQuery : public testing::TestWithParam<Untold> {};

TEST_P(UntoldQuery, IsRefused) {
  const Status told = CheckIsTold(GetParam().text);
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(told.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, UntoldQuery,
    testing::Values(Untold{"Function", "select `shop`.`peek`() AS `x`", "calls the function peek"},
                    Untold{"File", "select load_file('/x') AS `x`", "reads a file"},
                    Untold{"TableOfTheServer", "select 1 from `mysql`.`column_stats`",
                           "reads mysql.column_stats"},
                    Untold{"NameWithABacktick", "select 1 AS `a``b`", "a name with a backtick"}),
    [](const auto& untold) { return untold.param.name; });

TEST(ToldQuery, MayCallWhatTheServerBringsAlong) {
  EXPECT_TRUE(CheckIsTold("select upper(`s`.`code`) AS `x`,(`s`.`n` + 1) * 2 AS `y` from "
                          "`shop`.`stock` `s` where `s`.`code` in ('a','b')")
                  .ok());
}

}  // namespace
}  // namespace forkcast::preprocessing
