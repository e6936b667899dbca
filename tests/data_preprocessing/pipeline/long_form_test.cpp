#include "data_preprocessing/pipeline/long_form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/forecast_testing.hpp"
#include "data_preprocessing/pipeline/feature_groups.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "support/mutation.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::StartsWith;

/// Daily sales with these features, as written.
ordered_json DailySalesWithElements(const std::string& features) {
  ordered_json pipeline = DailySales();
  pipeline["features"] = ordered_json::parse(features);
  return pipeline;
}

struct ShortFeatures {
  std::string name;
  std::string written;  ///< Elements of "features".
  std::string meant;    ///< The same by itself, without anything to be understood.
};

void PrintTo(const ShortFeatures& one, std::ostream* out) { *out << one.name; }

class ShortForm : public testing::TestWithParam<ShortFeatures> {};

TEST_P(ShortForm, MeansWhatItWouldMeanWrittenOut) {
  const ordered_json document = DailySalesWithElements(GetParam().written);
  const nlohmann::json written_out = WriteOut(document).document["features"];
  EXPECT_EQ(written_out, nlohmann::json::parse(GetParam().meant));

  const Result<PipelineSpec> spec = ParsePipelineSpec(document.dump(), ".");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->features.size(), written_out.size());
}

TEST_P(ShortForm, StaysAsItIsOnceWrittenOut) {
  const ordered_json once = WriteOut(DailySalesWithElements(GetParam().written)).document;
  EXPECT_EQ(WriteOut(once).document, once);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ShortForm,
    testing::Values(
        ShortFeatures{
            "SeveralPeriods", R"([{"name": "lag", "op": "lag", "periods": [1, 7]}])",
            R"([{"name": "lag_1", "op": "lag", "series": "daily", "value": "y", "key": ["k"], "periods": 1},
                          {"name": "lag_7", "op": "lag", "series": "daily", "value": "y", "key": ["k"], "periods": 7}])"},
        ShortFeatures{
            "SeveralWindows",
            R"([{"name": "mean", "op": "rolling", "statistic": "mean", "window": [7, 28], "min_count": 1}])",
            R"([{"name": "mean_7", "op": "rolling", "statistic": "mean", "series": "daily", "value": "y", "key": ["k"],
                 "window": 7, "min_count": 1},
                {"name": "mean_28", "op": "rolling", "statistic": "mean", "series": "daily", "value": "y", "key": ["k"],
                 "window": 28, "min_count": 1}])"},
        ShortFeatures{
            "SeveralStatistics",
            R"([{"name": "{statistic}_of_7", "op": "rolling", "statistic": ["min", "max"], "window": 7}])",
            R"([{"name": "min_of_7", "op": "rolling", "statistic": "min", "series": "daily", "value": "y", "key": ["k"],
                 "window": 7},
                {"name": "max_of_7", "op": "rolling", "statistic": "max", "series": "daily", "value": "y", "key": ["k"],
                 "window": 7}])"},
        ShortFeatures{
            "SeveralValuesCalledAfterThemselves",
            R"([{"op": "as_of", "series": "keys", "value": ["opened", "size"]}])",
            R"([{"name": "opened", "op": "as_of", "series": "keys", "value": "opened", "key": ["k"]},
                {"name": "size", "op": "as_of", "series": "keys", "value": "size", "key": ["k"]}])"},
        ShortFeatures{
            "OneValueCalledAfterItself", R"([{"op": "as_of", "series": "keys", "value": "size"}])",
            R"([{"name": "size", "op": "as_of", "series": "keys", "value": "size", "key": ["k"]}])"},
        ShortFeatures{
            "ValuesOfTheForecastSeries",
            R"([{"name": "last", "op": "lag", "value": ["price", "rows"], "periods": 1}])",
            R"([{"name": "last_price", "op": "lag", "series": "daily", "value": "price", "key": ["k"], "periods": 1},
                          {"name": "last_rows", "op": "lag", "series": "daily", "value": "rows", "key": ["k"], "periods": 1}])"},
        ShortFeatures{"PartsOfTheCalendar",
                      R"([{"op": "calendar", "part": ["month", "year"], "at": "target"}])",
                      R"([{"name": "month", "op": "calendar", "part": "month", "at": "target"},
                {"name": "year", "op": "calendar", "part": "year", "at": "target"}])"},
        ShortFeatures{"AField", R"([{"op": "field", "field": "n"}])",
                      R"([{"name": "n", "op": "field", "field": "n"}])"},
        ShortFeatures{
            "RatiosOfFeaturesBefore",
            R"([{"name": "lag", "op": "lag", "periods": [1, 2, 3]},
                {"name": "{left}_ratio", "op": "divide", "left": ["lag_1", "lag_2"], "right": "lag_3"}])",
            R"([{"name": "lag_1", "op": "lag", "series": "daily", "value": "y", "key": ["k"], "periods": 1},
                {"name": "lag_2", "op": "lag", "series": "daily", "value": "y", "key": ["k"], "periods": 2},
                {"name": "lag_3", "op": "lag", "series": "daily", "value": "y", "key": ["k"], "periods": 3},
                {"name": "lag_1_ratio", "op": "divide", "left": "lag_1", "right": "lag_3"},
                {"name": "lag_2_ratio", "op": "divide", "left": "lag_2", "right": "lag_3"}])"},
        ShortFeatures{
            "TheKeyOfAPlanInAMatch",
            R"([{"name": "like", "op": "rolling", "statistic": "mean", "window": 28,
                 "match": ["day_of_week", {"series": "plan", "value": "promo"}]}])",
            R"([{"name": "like", "op": "rolling", "statistic": "mean", "series": "daily", "value": "y", "key": ["k"],
                 "window": 28, "match": ["day_of_week", {"series": "plan", "value": "promo", "key": ["k"]}]}])"}),
    [](const auto& param) { return param.param.name; });

TEST(LongFormTest, FindsTheKeyByTheColumnThatItHoldsForTheForecast) {
  ordered_json pipeline = DailySalesWithElements(
      R"([{"op": "as_of", "series": "keys", "value": "size"}, {"name": "y", "op": "lag", "periods": 1}])");
  pipeline["request"]["fields"]["shop"] = "text";
  pipeline["forecast"]["key"] = {"shop"};
  const ordered_json features = WriteOut(pipeline).document["features"];
  EXPECT_EQ(features[0]["key"], ordered_json({"shop"}));
  EXPECT_EQ(features[1]["key"], ordered_json({"shop"}));
}

TEST(LongFormTest, FindsTheKeyOfTheForecastByTheNamesOfItsColumns) {
  ordered_json pipeline = DailySalesWithElements(R"([{"name": "y", "op": "lag", "periods": 1}])");
  pipeline["forecast"].erase("key");
  const Result<PipelineSpec> spec = ParsePipelineSpec(pipeline.dump(), ".");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_THAT(spec->forecast->key, ElementsAre("k"));
}

TEST(LongFormTest, ReadsTheColumnOfAValuesName) {
  ordered_json pipeline = DailySalesWithElements(R"([{"name": "y", "op": "lag", "periods": 1}])");
  pipeline["series"]["daily"]["aggregate"]["values"] = {{"y", {{"op", "sum"}}},
                                                        {"rows", {{"op", "count"}}}};
  const Result<PipelineSpec> spec = ParsePipelineSpec(pipeline.dump(), ".");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  const std::vector<AggregateValue> values{
      {.name = "y", .op = AggregateOp::kSum, .column = "y", .empty = EmptyIsMissing()},
      {.name = "rows", .op = AggregateOp::kCount, .column = {}, .empty = 0.0}};
  EXPECT_EQ(spec->SeriesNamed("daily").aggregate->values, values);
}

TEST(LongFormTest, NamesThePlaceInTheFileOfWhatIsWrongInAFeatureOfSeveral) {
  const ordered_json pipeline = DailySalesWithElements(
      R"([{"name": "lag", "op": "lag", "periods": [1, 2, 3]}, {"name": "x", "op": "lag"}])");
  const Result<PipelineSpec> spec = ParsePipelineSpec(pipeline.dump(), ".");
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.error().message, "$.features[1]: missing key \"periods\"");
}

TEST(LongFormTest, LeavesDescriptionsOfSectionsToPeople) {
  ordered_json pipeline = DailySalesWithElements(R"([{"name": "y", "op": "lag", "periods": 1}])");
  const nlohmann::json without = WriteOut(pipeline).document;
  pipeline["tables"]["sales"]["description"] = "What was sold.";
  pipeline["series"]["daily"]["description"] = {"By day.", "Added up."};
  pipeline["request"]["description"] = "Who asks.";
  pipeline["forecast"]["description"] = "A week.";
  pipeline["features"][0]["description"] = "The last one.";
  EXPECT_EQ(nlohmann::json(WriteOut(pipeline).document), without);
}

TEST(LongFormTest, TakesAColumnCalledDescriptionForAColumn) {
  ordered_json pipeline = DailySalesWithElements(R"([{"name": "y", "op": "lag", "periods": 1}])");
  pipeline["tables"]["sales"]["columns"]["description"] = "text";
  EXPECT_TRUE(WriteOut(pipeline).document["tables"]["sales"]["columns"].contains("description"));
}

class InvalidShortForm : public testing::TestWithParam<Mutation> {};

TEST_P(InvalidShortForm, IsRefusedWithThePathOfWhatIsWrong) {
  const Mutation& one = GetParam();
  ordered_json pipeline = DailySalesWithElements(
      R"([{"name": "lag", "op": "lag", "periods": [1, 2, 3]},
          {"op": "as_of", "series": "keys", "value": ["opened", "size"]}])");
  ASSERT_NO_FATAL_FAILURE(Apply(one, pipeline));
  const Result<PipelineSpec> spec = ParsePipelineSpec(pipeline.dump(), ".");
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(spec.error().message, StartsWith(one.error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InvalidShortForm,
    testing::Values(
        Mutation{"NoElement", "/features/0/periods", "[]",
                 "$.features[0].periods: expected 1 to 1000 elements"},
        Mutation{"TheSameTwice", "/features/0/periods", "[1, 2, 1]",
                 "$.features[0].periods[0]: given twice"},
        Mutation{"AnElementThatCannotStandInAName", "/features/0/periods", "[1, 2.5]",
                 "$.features[0].periods[1]: expected an integer or a name"},
        Mutation{"AnElementOutOfRange", "/features/0/periods", "[1, 9999]",
                 "$.features[0].periods: expected an integer from 1 to 4096, got 9999"},
        Mutation{"ListsInTwoMembers", "/features/0/value", R"(["y", "price"])",
                 "$.features[0].value: beside a list in \"periods\": one of them only"},
        Mutation{"AListWhereTheOperatorHasNone", "/features/0/missing", R"(["keep"])",
                 "$.features[0].missing: expected an object, got [\"keep\"]"},
        Mutation{"ANameTwice", "/features/1", R"({"name": "lag_1", "op": "lag", "periods": 9})",
                 "$.features[1].name: given twice"},
        Mutation{"NoName", "/features/0/name", "", "$.features[0]: missing key \"name\""},
        Mutation{"AKeyThatNoFieldHolds", "/request/fields",
                 R"({"store": "text", "at": "timestamp"})",
                 "$.forecast.key[0]: no column \"k\" in the request's fields"},
        Mutation{"AnUnknownSeries", "/features/1/series", R"("shops")",
                 "$.features[1].series: no series \"shops\""}),
    [](const auto& param) { return param.param.name; });

TEST(FeatureGroups, AreOfEachFeatureThatAListMeans) {
  const nlohmann::ordered_json document = ParseJson(R"({"features": [
      {"name": "lag", "group": "level", "op": "lag", "series": "s", "value": "y", "key": [],
       "periods": [1, 2]},
      {"name": "month", "op": "calendar", "part": "month"}]})");
  EXPECT_EQ(FeatureGroups(document), (std::vector<std::string>{"level", "level", ""}));
}

struct Shipped {
  std::string pipeline;
  std::string hash;  ///< Of its long form.
};

void PrintTo(const Shipped& one, std::ostream* out) { *out << one.pipeline; }

class ShippedPipeline : public testing::TestWithParam<Shipped> {};

// Models were trained of them before they were shortened: the same features in the same order. What
// features are to a planner and how sure a forecast is was said later, and is nothing that a model
// learns.
TEST_P(ShippedPipeline, MeansWhatItMeantWhenItWasWrittenOut) {
  nlohmann::json long_form =
      WriteOut(ReadJsonFile(FORKCAST_SOURCE_DIR "/conf/pipelines/" + GetParam().pipeline + ".json"))
          .document;
  for (nlohmann::json& feature : long_form["features"]) feature.erase("group");
  for (const char* later : {"intervals", "calibration_folds"}) long_form["training"].erase(later);
  EXPECT_EQ(ContentHash(long_form.dump()), GetParam().hash);
}

INSTANTIATE_TEST_SUITE_P(
    All, ShippedPipeline,
    testing::Values(Shipped{"order_fulfilment", "xxh3-128:4e75d4e3d5da54737cf8e235557b8410"},
                    Shipped{"order_triage", "xxh3-128:7dd5703d9ee7a74762d4c61ab300f6d1"},
                    Shipped{"store_sales", "xxh3-128:5bdc249c8414d48fe3befb7d09e86706"},
                    Shipped{"store_sales_per_store", "xxh3-128:949a61ae495fb93830d1fff8cbc7255c"},
                    Shipped{"store_sales_weekly", "xxh3-128:74e455ba942ad5eda544f6559f0d2669"},
                    Shipped{"weekly_demand", "xxh3-128:fe111b8eeb99f0e4b4b50dcd427b964c"},
                    Shipped{"weekly_demand_by_store", "xxh3-128:5ca6c8cb44f51b19f2adb608aac6e644"}),
    [](const auto& param) { return param.param.pipeline; });

}  // namespace
}  // namespace forkcast::preprocessing
