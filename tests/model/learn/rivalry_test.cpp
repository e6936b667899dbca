#include "model/learn/rivalry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::model {
namespace {

using testing::HasSubstr;

struct RivalryCase {
  const char* name;
  std::optional<double> challenger;
  std::optional<double> champion;
  double chance;
  bool is_better;
  const char* why;
};
std::ostream& operator<<(std::ostream& out, const RivalryCase& one) { return out << one.name; }

class Rivalries : public testing::TestWithParam<RivalryCase> {};

TEST_P(Rivalries, AreDecidedAndExplained) {
  const Rivalry rivalry{.champion = 3,
                        .metric = "wape",
                        .rows = 100,
                        .groups = 20,
                        .challenger_error = GetParam().challenger,
                        .champion_error = GetParam().champion,
                        .chance = GetParam().chance};
  EXPECT_EQ(IsBetter(rivalry, {}), GetParam().is_better);
  EXPECT_THAT(Describe(rivalry, {}), HasSubstr(GetParam().why));
  EXPECT_EQ(ToJson(rivalry, {})["why"], Describe(rivalry, {}));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Rivalries,
    testing::Values(
        RivalryCase{"Better", 0.2, 0.3, 0.01, true,
                    "The challenger is better: on 100 rows that both were asked about its wape is "
                    "0.2, that of version 3 is 0.3 (p = 0.01 that this is chance)."},
        RivalryCase{"Worse", 0.4, 0.3, 0.9, false, "The challenger is NOT better"},
        RivalryCase{"Equal", 0.3, 0.3, 1, false, "The challenger is NOT better"},
        RivalryCase{"ByTooLittle", 0.2999, 0.3, 0.001, false, "better by too little"},
        RivalryCase{"ByChance", 0.2, 0.3, 0.06, false,
                    "among 20 groups of rows that happens by chance with p = 0.06, and 0.05 is the "
                    "most that is allowed"},
        RivalryCase{"BothWithoutError", 0.0, 0.0, 1, false, "NOT better"},
        RivalryCase{"NotDefined", std::nullopt, std::nullopt, 1, false,
                    "they have no rows in common of which wape is defined"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Rivalry, SaysWhatTheChampionMayHaveSeen) {
  const Rivalry rivalry{.champion = 3,
                        .metric = "wape",
                        .rows = 100,
                        .seen_rows = 40,
                        .challenger_error = 0.2,
                        .champion_error = 0.1};
  EXPECT_THAT(Describe(rivalry, {}), HasSubstr("may have learned from 40 of these rows"));
}

}  // namespace
}  // namespace forkcast::model
