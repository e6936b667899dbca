// Products that are new: what stands in for a past that they do not have.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>

#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/hierarchy_testing.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using preprocessing::Table;
using testing::AllOf;
using testing::HasSubstr;

/// Toys sell 40 pieces a day, twice as many on Saturdays, food 4; in one shop.
class NewKeys : public HierarchyTest {
 protected:
  static constexpr int kStart = 100;  ///< Of what is new.

  NewKeys() {
    document_["training"].erase("hierarchy");
    document_["training"]["model"]["trees"] = 5;
    folder_.Write("items.csv",
                  "item,category\nball,toys\ndoll,toys\nmilk,food\nbread,food\nkite,toys\n"
                  "salt,food\nrobot,toys\n");
    csv_ = "shop,item,day,amount\n";
    for (int day = 0; day < kDays; ++day) {
      for (const auto& [item, first, amount] :
           {std::tuple("ball", 0, 40.0), std::tuple("doll", 0, 40.0), std::tuple("milk", 0, 4.0),
            std::tuple("bread", 0, 4.0), std::tuple("kite", kStart, 36.0),
            std::tuple("salt", kStart, 5.0)}) {
        if (day < first) continue;
        csv_ += fmt::format("000,{},{},{}\n", item, DateOf(day), amount * (day % 7 == 5 ? 2 : 1));
      }
    }
  }

  /// One step ahead of a key that has no model, by a cold start.
  Result<double> Ask(const std::string& item, const ordered_json& rule, int origin = kDays - 1,
                     std::int64_t steps = 1) {
    const auto version = *ForecastVersion::Read(*Registry(models()).Find("sales", "1"));
    const auto forecaster =
        Forecaster::Open(version, folder_.path() / "o.db.snapshots", ReadColdStart(JsonNode(rule)));
    if (!forecaster) return forecaster.error();
    ForecastSession session(**forecaster);
    Table rows(version.spec().request.fields);
    rows.column(0).AppendText("000");
    rows.column(1).AppendText(item);
    rows.column(2).AppendMissing();
    ForecastAnswer answer;
    const Status done =
        session.Forecast({.rows = rows,
                          .origin = (*forecaster)->grid().VisibleFrom(19723 + origin),
                          .now = {},
                          .steps = steps},
                         answer);
    if (!done) return done.error();
    EXPECT_TRUE(answer.steps.back().cold_start);
    return answer.steps.back().value;
  }
  static ordered_json Alike(const ordered_json& baseline) {
    return {{"baseline", baseline}, {"alike", {"category"}}};
  }
  void TrainPerKey() {
    document_["training"]["scope"] = "per_key";
    IngestCsv(csv_);
    ASSERT_EQ(Train({"--force-promote", "--until", DateOf(kStart)}), ExitCode::kDone) << err();
  }

  std::string csv_;
};

TEST_F(NewKeys, AreForecastAsTheirAnalogues) {
  TrainPerKey();
  const ordered_json mean{{"moving_average", 7}};
  const double week = 8.0 / 7;  // of a usual day
  EXPECT_NEAR(*Ask("robot", mean, kStart - 1), week * (40 + 40 + 4 + 4) / 4, 1e-9);
  EXPECT_NEAR(*Ask("robot", Alike(mean), kStart - 1), week * 40, 1e-9);
  EXPECT_NEAR(*Ask("salt", Alike(mean), kStart - 1), week * 4, 1e-9) << "it is not there yet";
}

TEST_F(NewKeys, TakeTheSeasonOfTheirAnaloguesAndTheLevelOfTheirOwn) {
  TrainPerKey();
  const ordered_json season{{"seasonal_naive", 7}};
  // After two days, 36 and 36 beside 40 + 40 + 36 on average: a Saturday of toys, so much less.
  const int origin = kStart + 1;
  const int saturday = 103;
  ASSERT_EQ(saturday % 7, 5);
  const double toys = (40 + 40 + 36) / 3.0;
  EXPECT_NEAR(*Ask("kite", Alike(season), origin, saturday - origin), 80 * 36 / toys, 1e-9);
}

TEST_F(NewKeys, AreAverageOnesWhereNobodyIsLikeThem) {
  TrainPerKey();
  const ordered_json mean{{"moving_average", 7}};
  EXPECT_EQ(*Ask("an item that nobody described", Alike(mean)),
            *Ask("an item that nobody described", mean));
}

TEST_F(NewKeys, AreRefusedByAnAttributeThatThereIsNot) {
  TrainPerKey();
  const auto refused = Ask("robot", {{"baseline", "naive"}, {"alike", {"colour"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("cold_start.alike: \"colour\" is neither a key column"));
}

TEST_F(NewKeys, TellWhichRuleWouldHaveDoneBest) {
  document_["training"]["cold_start"] = {{{"moving_average", 7}}, Alike({{"moving_average", 7}})};
  IngestCsv(csv_);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  const ordered_json found = evaluation()["new_keys"];
  EXPECT_EQ(found["keys"], 2);
  ASSERT_EQ(found["rules"].size(), 2U);
  EXPECT_EQ(found["rules"][0]["rule"], "moving_average_7");
  EXPECT_EQ(found["rules"][1]["rule"], "moving_average_7, alike in category");
  for (const ordered_json& rule : found["rules"]) {
    EXPECT_EQ(rule["without_a_past"]["rows"], 2 * kHorizon);
    EXPECT_EQ(rule["with_some"]["rows"], 2 * kHorizon * kHorizon);
  }
  for (const char* const when : {"without_a_past", "with_some"}) {
    EXPECT_LT(found["rules"][1][when]["wape"].get<double>(),
              0.5 * found["rules"][0][when]["wape"].get<double>())
        << when;
  }
  Show(Shows::kTables);
  ASSERT_EQ(Evaluate(), ExitCode::kDone) << err();
  EXPECT_THAT(out(), AllOf(HasSubstr("\n2 keys that were new "),
                           HasSubstr("\nmoving_average_7, alike in category, without a past ")));
}

/// A rule that means nothing.
struct WrongRule {
  std::string name;
  std::string rules;
  std::string message;
};
void PrintTo(const WrongRule& one, std::ostream* out) { *out << one.name; }
class WrongRulesForNewKeys : public NewKeys, public testing::WithParamInterface<WrongRule> {};

TEST_P(WrongRulesForNewKeys, AreRefused) {
  document_["training"]["cold_start"] = ordered_json::parse(GetParam().rules);
  SetDocument();
  EXPECT_EQ(Evaluate(), ExitCode::kUsage);
  EXPECT_THAT(err(), HasSubstr("$.training.cold_start" + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongRulesForNewKeys,
    testing::Values(WrongRule{"None", "[]", ": expected at least one rule"},
                    WrongRule{"ARefusal", R"(["refuse"])", "[0]: a refusal is nothing to judge"},
                    WrongRule{"OneTwice", R"(["naive", "naive"])", "[1]: given twice"},
                    WrongRule{"AnAttributeThatThereIsNot",
                              R"([{"baseline": "naive", "alike": ["colour"]}])",
                              "[0].alike[0]: \"colour\" is neither"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model
