#include "data_preprocessing/features/feature_computer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_testing.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// Levels over time, shops that open one day, prices by sku and shop; `changes` are merged in.
ordered_json Shop(const ordered_json& changes = ordered_json::object()) {
  auto pipeline = ordered_json::parse(R"({
    "name": "shop", "version": "1",
    "tables": {
      "levels": {"columns": {"sku": "text", "at": "timestamp",
                             "level": {"type": "int64", "nullable": true}, "shelf": "text"}},
      "shops": {"columns": {"shop": "int64", "opens": {"type": "timestamp", "nullable": true}}},
      "prices": {"columns": {"sku": "text", "shop": "int64", "price": "double"}}
    },
    "series": {
      "levels": {"table": "levels", "key": ["sku"], "time": "at", "values": ["level", "shelf"],
                 "max_staleness": "unlimited"},
      "shops": {"table": "shops", "key": ["shop"], "values": ["opens"]},
      "prices": {"table": "prices", "key": ["sku", "shop"], "values": ["price"]}
    },
    "request": {
      "fields": {"sku": {"type": "text", "nullable": true}, "shop": "int64", "at": "timestamp"},
      "time": "at"
    },
    "features": [
      {"name": "level", "op": "as_of", "series": "levels", "value": "level", "key": ["sku"],
       "missing": {"value": -1}},
      {"name": "shelf", "op": "as_of", "series": "levels", "value": "shelf", "key": ["sku"],
       "missing": {"value": "nowhere"}},
      {"name": "open", "op": "reached", "series": "shops", "value": "opens", "key": ["shop"],
       "missing": {"value": false}},
      {"name": "price", "op": "as_of", "series": "prices", "value": "price", "key": ["sku", "shop"],
       "missing": {"value": 0.5}},
      {"name": "hour", "op": "calendar", "part": "hour"}
    ]
  })");
  pipeline.merge_patch(changes);
  return pipeline;
}

const FeatureBench::SeriesRows kRows{
    {"levels", {{"a", "2024-01-02", "2", "left"}, {"a", "2024-01-04", "-", "right"}}},
    {"shops", {{"7", "2024-01-03 09:00:00"}, {"8", "-"}}},
    {"prices", {{"a", "7", "1.25"}, {"b", "7", "9"}}}};

struct FeatureCase {
  std::string name;
  RowTexts request;  // sku, shop, at
  std::string features;
};

void PrintTo(const FeatureCase& one, std::ostream* out) { *out << one.name; }

class FeatureTest : public testing::TestWithParam<FeatureCase> {};

TEST_P(FeatureTest, IsComputedAtTheRequestsTime) {
  EXPECT_EQ(FeatureBench(Shop(), kRows).Compute(GetParam().request), GetParam().features);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FeatureTest,
    testing::Values(
        FeatureCase{"BeforeTheFirstRowTheDefaultStands",
                    {"a", "7", "2024-01-01 23:59:59.999999"},
                    "-1 'nowhere' false 1.25 23"},
        FeatureCase{
            "ARowOfExactlyThatTimeCounts", {"a", "7", "2024-01-02"}, "2 'left' false 1.25 0"},
        FeatureCase{"AMissingValueIsTheDefaultNotTheOlderValue",
                    {"a", "7", "2024-01-04"},
                    "-1 'right' true 1.25 0"},
        FeatureCase{"NotReachedAMicrosecondBefore",
                    {"a", "7", "2024-01-03 08:59:59.999999"},
                    "2 'left' false 1.25 8"},
        FeatureCase{
            "ReachedAtExactlyThatTime", {"a", "7", "2024-01-03 09:00:00"}, "2 'left' true 1.25 9"},
        FeatureCase{
            "AMissingInstantIsTheDefault", {"a", "8", "2024-01-03"}, "2 'left' false 0.5 0"},
        FeatureCase{
            "AnUnknownKeyIsTheDefault", {"z", "9", "2024-01-05"}, "-1 'nowhere' false 0.5 0"},
        FeatureCase{"AKeyThatTheRequestLeavesOutIsTheDefault",
                    {"-", "7", "2024-01-05"},
                    "-1 'nowhere' true 0.5 0"},
        FeatureCase{
            "KeysOfTwoColumnsMeetAsAPair", {"b", "7", "2024-01-05"}, "-1 'nowhere' true 9 0"}),
    [](const auto& param) { return param.param.name; });

// ---- rows of another kind than the one in force ----

struct VariantCase {
  std::string name;
  std::string member;  // of the feature `level`
  std::string at;
  std::string level;
};

void PrintTo(const VariantCase& one, std::ostream* out) { *out << one.name; }

class AsOfVariant : public testing::TestWithParam<VariantCase> {};

/// `a` has 2 from January 2nd on, nothing from the 4th, 6 from the 6th.
TEST_P(AsOfVariant, ReadsTheRowThatItNames) {
  auto pipeline = Shop();
  if (!GetParam().member.empty()) pipeline["features"][0][GetParam().member] = true;
  auto rows = kRows;
  rows["levels"].push_back({"a", "2024-01-06", "6", "middle"});
  const std::string features = FeatureBench(pipeline, rows).Compute({"a", "7", GetParam().at});
  EXPECT_EQ(features.substr(0, features.find(' ')), GetParam().level);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AsOfVariant,
    testing::Values(
        VariantCase{"TheRowInForceMayLackTheValue", "", "2024-01-05", "-1"},
        VariantCase{"SkipMissingReadsTheNewestValue", "skip_missing", "2024-01-05", "2"},
        VariantCase{"SkipMissingTakesANewerOneWhenItComes", "skip_missing", "2024-01-06", "6"},
        VariantCase{"SkipMissingHasNoneBeforeTheFirst", "skip_missing", "2024-01-01", "-1"},
        VariantCase{"ARowOfTheRequestsTimeCounts", "", "2024-01-06", "6"},
        VariantCase{"StrictLeavesItOut", "strict", "2024-01-02", "-1"},
        VariantCase{"StrictTakesItAMicrosecondLater", "strict", "2024-01-02 00:00:00.000001", "2"}),
    [](const auto& param) { return param.param.name; });

TEST(AsOfVariants, StandBesideEachOtherInOnePipeline) {
  auto pipeline = Shop();
  auto& features = pipeline["features"];
  for (const char* member : {"skip_missing", "strict"}) {
    features.push_back(features[0]);
    features.back()["name"] = member;
    features.back()[member] = true;
  }
  EXPECT_EQ(FeatureBench(pipeline, kRows).Compute({"a", "7", "2024-01-04"}),
            "-1 'right' true 1.25 0 2 2");
}

TEST(AsOfVariants, AllocateNothing) {
  auto pipeline = Shop({{"series", {{"levels", {{"max_age", "9d"}, {"when_stale", "refuse"}}}}}});
  pipeline["features"][0]["skip_missing"] = true;
  pipeline["features"][1]["strict"] = true;
  const FeatureBench bench(pipeline, kRows);
  const Table request = bench.Request({{"a", "7", "2024-01-05"}});
  FeatureComputer computer = bench.MakeComputer();
  EXPECT_EQ(bench.Compute(computer, request, 0), "2 'right' true 1.25 0");
  std::vector<Value> values(computer.feature_count());
  SeriesMask stale = 0;
  const std::size_t before = AllocationCount();
  EXPECT_TRUE(computer.Compute(bench.snapshots(), request, 0, {}, values, stale).ok());
  EXPECT_EQ(AllocationCount() - before, 0U);
}

// ---- how old a key's row may be ----

struct AgeCase {
  std::string name;
  std::string rule;
  RowTexts request;
  std::string features;
};

void PrintTo(const AgeCase& one, std::ostream* out) { *out << one.name; }

class MaxAge : public testing::TestWithParam<AgeCase> {};

TEST_P(MaxAge, IsAskedOfTheKeyWhateverOthersHave) {
  const auto pipeline =
      Shop({{"series", {{"levels", {{"max_age", "2d"}, {"when_stale", GetParam().rule}}}}}});
  auto rows = kRows;
  rows["levels"].push_back({"old", "2020-01-01", "7", "back"});
  EXPECT_EQ(FeatureBench(pipeline, rows).Compute(GetParam().request), GetParam().features);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MaxAge,
    testing::Values(
        AgeCase{"RefusesTheKeyByName",
                "refuse",
                {"old", "7", "2024-01-04"},
                "stale level: the newest row of sku=old in series \"levels\" is of "
                "2020-01-01T00:00:00Z, 35136 hours old at 2024-01-04T00:00:00Z: \"max_age\" is 48 "
                "hours"},
        AgeCase{"FlagsIt", "flag", {"old", "7", "2024-01-04"}, "7 'back' true 0.5 0 stale:levels"},
        AgeCase{"ServesIt", "serve", {"old", "7", "2024-01-04"}, "7 'back' true 0.5 0"},
        AgeCase{"AFreshKeyIsAnswered", "refuse", {"a", "7", "2024-01-03"}, "2 'left' false 1.25 0"},
        AgeCase{"ExactlyAsOldMayBe", "refuse", {"a", "7", "2024-01-06"}, "-1 'right' true 1.25 0"},
        AgeCase{"WithoutARowTheFeaturesOwnRuleHolds",
                "refuse",
                {"z", "7", "2024-01-04"},
                "-1 'nowhere' true 0.5 0"}),
    [](const auto& param) { return param.param.name; });

TEST(SeriesWithoutKey, IsReadByEveryRow) {
  auto pipeline = Shop();
  pipeline["tables"]["days"] = {{"columns", {{"at", "timestamp"}, {"holiday", "text"}}}};
  pipeline["series"]["days"] = {{"table", "days"},
                                {"key", ordered_json::array()},
                                {"time", "at"},
                                {"values", {"holiday"}},
                                {"max_staleness", "unlimited"}};
  pipeline["features"].push_back({{"name", "holiday"},
                                  {"op", "as_of"},
                                  {"series", "days"},
                                  {"value", "holiday"},
                                  {"key", ordered_json::array()}});
  auto rows = kRows;
  rows["days"] = {{"2024-01-01", "new year"}, {"2024-01-06", "kings"}};
  const FeatureBench bench(pipeline, rows);
  EXPECT_EQ(bench.Compute({"a", "7", "2024-01-03"}), "2 'left' false 1.25 0 'new year'");
  EXPECT_EQ(bench.Compute({"z", "9", "2024-01-06"}), "-1 'nowhere' false 0.5 0 'kings'");
}

struct RuleCase {
  std::string name;
  std::size_t feature;
  std::string says;
};

void PrintTo(const RuleCase& one, std::ostream* out) { *out << one.name; }

class MissingRule : public testing::TestWithParam<RuleCase> {};

TEST_P(MissingRule, ErrorNamesTheFeature) {
  for (const bool spelt_out : {false, true}) {
    auto pipeline = Shop();
    auto& feature = pipeline["features"][GetParam().feature];
    if (spelt_out) {
      feature["missing"] = "error";
    } else {
      feature.erase("missing");
    }
    const FeatureBench bench(pipeline, kRows);
    EXPECT_THAT(bench.Compute({"z", "9", "2024-01-05"}), StartsWith(GetParam().says));
    EXPECT_EQ(bench.Compute({"a", "7", "2024-01-03 09:00:00"}), "2 'left' true 1.25 9");
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, MissingRule,
                         testing::Values(RuleCase{"AsOf", 0, "missing level: "},
                                         RuleCase{"Text", 1, "missing shelf: "},
                                         RuleCase{"Reached", 2, "missing open: "},
                                         RuleCase{"CompositeKey", 3, "missing price: "}),
                         [](const auto& param) { return param.param.name; });

struct StalenessCase {
  std::string name;
  std::string rule;
  std::string time;
  std::string says;
};

void PrintTo(const StalenessCase& one, std::ostream* out) { *out << one.name; }

ordered_json ShopWithStaleness(const std::string& rule) {
  return Shop({{"series", {{"levels", {{"max_staleness", "2h"}, {"when_stale", rule}}}}}});
}

class StalenessTest : public testing::TestWithParam<StalenessCase> {};

/// The newest row of `levels` is of 2024-01-04 00:00:00, and may be two hours old.
TEST_P(StalenessTest, IsServedFlaggedOrRefused) {
  const FeatureBench bench(ShopWithStaleness(GetParam().rule), kRows);
  EXPECT_EQ(bench.Compute({"a", "7", GetParam().time}), GetParam().says);
}

constexpr auto kAtTheLimit = "2024-01-04 02:00:00";
constexpr auto kBehindTheLimit = "2024-01-04 02:00:00.000001";

INSTANTIATE_TEST_SUITE_P(
    Cases, StalenessTest,
    testing::Values(
        StalenessCase{"ServedBehindTheLimit", "serve", kBehindTheLimit, "-1 'right' true 1.25 2"},
        StalenessCase{"NotFlaggedAtTheLimit", "flag", kAtTheLimit, "-1 'right' true 1.25 2"},
        StalenessCase{"FlaggedBehindTheLimit", "flag", kBehindTheLimit,
                      "-1 'right' true 1.25 2 stale:levels"},
        StalenessCase{"NotRefusedAtTheLimit", "refuse", kAtTheLimit, "-1 'right' true 1.25 2"},
        StalenessCase{"RefusedBehindTheLimit", "refuse", kBehindTheLimit,
                      "stale level: the newest data of series \"levels\" are of "
                      "2024-01-04T00:00:00Z, too old for 2024-01-04T02:00:00.000001Z"},
        StalenessCase{"NotRefusedBeforeTheData", "refuse", "2020-01-01",
                      "-1 'nowhere' false 1.25 0"}),
    [](const auto& param) { return param.param.name; });

class EmptySeriesTest : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(EmptySeriesTest, IsAsStaleAsCanBe) {
  const auto& [rule, says] = GetParam();
  EXPECT_EQ(FeatureBench(ShopWithStaleness(rule), {}).Compute({"a", "7", "2024-01-04"}), says);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, EmptySeriesTest,
    testing::Values(std::pair("serve", "-1 'nowhere' false 0.5 0"),
                    std::pair("flag", "-1 'nowhere' false 0.5 0 stale:levels"),
                    std::pair("refuse",
                              "stale level: the newest data of series \"levels\" are none")),
    [](const auto& param) { return param.param.first; });

TEST(Staleness, OfAKeyDoesNotMatterOnlyThatOfTheSeries) {
  auto rows = kRows;
  rows["levels"].push_back({"b", "2024-02-01", "1", "top"});
  EXPECT_EQ(FeatureBench(ShopWithStaleness("refuse"), rows).Compute({"a", "7", "2024-01-31"}),
            "-1 'right' true 1.25 0");
}

TEST(Staleness, CountsFromWhenRowsWereKnown) {
  auto pipeline = ShopWithStaleness("refuse");
  pipeline["series"]["levels"]["delay"] = "1d";
  const FeatureBench bench(pipeline, kRows);
  EXPECT_EQ(bench.Compute({"a", "7", "2024-01-05 02:00:00"}), "-1 'right' true 1.25 2");
  EXPECT_THAT(bench.Compute({"a", "7", "2024-01-05 02:00:00.000001"}), StartsWith("stale level: "));
}

TEST(Staleness, OfASeriesThatNoFeatureReadsDoesNotMatter) {
  auto pipeline = ShopWithStaleness("refuse");
  pipeline["features"].erase(0);
  pipeline["features"].erase(0);
  EXPECT_EQ(FeatureBench(pipeline, kRows).Compute({"a", "7", "2030-01-01"}), "true 1.25 0");
}

TEST(TimeOfARequest, IsNowWhenItIsLeftOutAndThePipelineSaysSo) {
  const FeatureBench bench(
      Shop({{"request",
             {{"fields", {{"at", {{"type", "timestamp"}, {"nullable", true}}}}},
              {"time", {{"field", "at"}, {"default", "now"}}}}}}),
      kRows);
  const Instant now = At("2024-01-03 10:00:00");
  EXPECT_EQ(bench.Compute({"a", "7", "-"}, now), "2 'left' true 1.25 10");
  EXPECT_EQ(bench.Compute({"a", "7", "2024-01-01 05:00:00"}, now), "-1 'nowhere' false 1.25 5");
}

TEST(SharedReads, OfOneSeriesByDifferentFieldsDoNotMix) {
  auto pipeline = Shop();
  pipeline["request"]["fields"]["other_sku"] = "text";
  auto other = pipeline["features"][0];
  other["name"] = "other_level";
  other["key"] = {"other_sku"};
  pipeline["features"].push_back(other);
  auto rows = kRows;
  rows["levels"].push_back({"b", "2024-01-01", "8", "top"});
  const FeatureBench bench(pipeline, rows);
  EXPECT_EQ(bench.Compute({"a", "7", "2024-01-03", "b"}), "2 'left' false 1.25 0 8");
  EXPECT_EQ(bench.Compute({"b", "7", "2024-01-03", "a"}), "8 'top' false 9 0 2");
  EXPECT_EQ(bench.Compute({"b", "7", "2024-01-03", "z"}), "8 'top' false 9 0 -1");
}

TEST(FeatureComputerTest, AllocatesNothingOnceItIsWarm) {
  const FeatureBench bench(Shop(), kRows);
  FeatureComputer computer = bench.MakeComputer();
  const Table rows = bench.Request({{"a", "7", "2024-01-03"}, {"z", "8", "2024-01-05"}});
  std::vector<Value> values(computer.feature_count());
  SeriesMask stale = 0;
  std::size_t before = 0;
  for (int round = 0; round < 2; ++round) {
    before = AllocationCount();
    for (const std::size_t row : {0U, 1U}) {
      (void)computer.Compute(bench.snapshots(), rows, row, {}, values, stale);
    }
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
  EXPECT_EQ(Show(values[4]), "0");
}

// ---- properties ----

using Random = std::mt19937_64;

std::string RandomTime(Random& random) {
  std::string text;
  AppendIsoTimestamp(At("2024-01-01") + std::chrono::hours(random() % 96), text);
  return text;
}

RowTexts RandomLevel(Random& random) {
  return {std::string(1, static_cast<char>('a' + random() % 4)), RandomTime(random),
          random() % 5 == 0 ? "-" : std::to_string(random() % 100), std::to_string(random() % 3)};
}

FeatureBench::SeriesRows RandomRows(Random& random) {
  FeatureBench::SeriesRows rows;
  for (std::size_t left = random() % 40; left > 0; --left) {
    rows["levels"].push_back(RandomLevel(random));
  }
  for (int shop = 0; shop < 3; ++shop) {
    rows["shops"].push_back({std::to_string(shop), random() % 3 == 0 ? "-" : RandomTime(random)});
    rows["prices"].push_back({"a", std::to_string(shop), std::to_string(random() % 10)});
  }
  return rows;
}

std::vector<RowTexts> RandomRequests(Random& random) {
  std::vector<RowTexts> requests(1 + random() % 50);
  for (RowTexts& request : requests) {
    request = {random() % 6 == 0 ? "-" : std::string(1, static_cast<char>('a' + random() % 5)),
               std::to_string(random() % 4), RandomTime(random)};
  }
  return requests;
}

TEST(FeatureProperty, ABatchEqualsItsRowsAlone) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    auto pipeline = ShopWithStaleness(random() % 2 == 0 ? "flag" : "refuse");
    if (random() % 2 == 0) pipeline["features"][random() % 4].erase("missing");
    const FeatureBench bench(pipeline, RandomRows(random));
    const std::vector<RowTexts> requests = RandomRequests(random);
    const Table batch = bench.Request(requests);
    FeatureComputer computer = bench.MakeComputer();
    for (std::size_t row = 0; row < requests.size(); ++row) {
      ASSERT_EQ(bench.Compute(computer, batch, row), bench.Compute(requests[row])) << row;
    }
  }
}

TEST(FeatureProperty, RowsOfLaterTimesNeverChangeEarlierFeatures) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    FeatureBench bench(Shop(), RandomRows(random));
    const std::vector<RowTexts> requests = RandomRequests(random);
    const std::string until = RandomTime(random);  // ISO texts sort as their times do
    std::vector<std::string> before;
    for (const RowTexts& request : requests) before.push_back(bench.Compute(request));
    for (int more = 0; more < 40; ++more) {
      const RowTexts level = RandomLevel(random);
      if (level[1] > until) AppendRow(level, bench.rows(0));
    }
    bench.Publish();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i][2] > until) continue;
      ASSERT_EQ(bench.Compute(requests[i]), before[i]) << i;
    }
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
