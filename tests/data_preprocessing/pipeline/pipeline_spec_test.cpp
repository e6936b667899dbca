#include "data_preprocessing/pipeline/pipeline_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <ostream>

#include "data_preprocessing/document/json.hpp"
#include "support/mutation.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// A pipeline in which every part of the format stands once.
ordered_json Valid() {
  return ordered_json::parse(R"({
    "name": "late_orders", "version": "3", "description": "Will it be late?",
    "timezone": "Europe/Berlin",
    "tables": {
      "orders": {
        "columns": {"id": "text", "placed": "timestamp", "shop": "int64", "late": "bool"},
        "key": ["id"]
      },
      "levels": {
        "columns": {"sku": "text", "shop": "int64", "at": "timestamp", "known": "timestamp",
                    "level": {"type": "int64", "nullable": true}, "weight": "double"}
      },
      "shops": {"columns": {"shop": "int64", "opens": "timestamp", "name": "text"}}
    },
    "series": {
      "levels": {"table": "levels", "key": ["sku", "shop"], "time": "at", "known_at": "known",
                 "values": ["level", "weight"], "max_staleness": "2d", "when_stale": "refuse"},
      "shops": {"table": "shops", "key": ["shop"], "values": ["opens", "name"]},
      "past": {"query": "SELECT shop, placed, 1 AS n FROM orders",
               "columns": {"shop": "int64", "placed": "timestamp", "n": "int64"},
               "key": ["shop"], "time": "placed", "delay": "1d", "values": ["n"],
               "max_staleness": "unlimited"}
    },
    "request": {
      "fields": {"id": "text", "sku": "text", "shop": "int64",
                 "at": {"type": "timestamp", "nullable": true}},
      "time": {"field": "at", "default": "now"}
    },
    "features": [
      {"name": "level", "op": "as_of", "series": "levels", "value": "level",
       "key": ["sku", "shop"], "missing": {"value": 0}},
      {"name": "open", "op": "reached", "series": "shops", "value": "opens", "key": ["shop"],
       "missing": "error"},
      {"name": "opens", "op": "as_of", "series": "shops", "value": "opens", "key": ["shop"],
       "missing": {"value": "2024-07-01 00:00:00"}},
      {"name": "past", "op": "as_of", "series": "past", "value": "n", "key": ["shop"]},
      {"name": "week", "op": "calendar", "part": "iso_week"}
    ],
    "serving": {
      "model": "../models/late.json",
      "answer": [{"name": "id", "field": "id"}, {"name": "late", "output": "class"}]
    },
    "training": {"table": "orders", "label": "late"}
  })");
}

Result<PipelineSpec> Parse(const ordered_json& json) {
  return ParsePipelineSpec(json.dump(2), "/srv/pipelines");
}

TEST(PipelineSpecTest, ASeriesReadsItsTableByTheColumnByWhichThatGrows) {
  ordered_json json = Valid();
  EXPECT_EQ(Parse(json)->series[0].source, StoredRows(TableSource{"levels"}));
  json["tables"]["levels"]["grows_by"] = "at";
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->series[0].source,
            StoredRows(TableSource{
                .table = "levels",
                .grows_by = GrowingColumn{.name = "at", .type = ColumnType::kTimestamp}}));
}

TEST(PipelineSpecTest, HoldsWhatTheFileSays) {
  const Result<PipelineSpec> parsed = Parse(Valid());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->name, "late_orders");
  EXPECT_EQ(parsed->version, "3");
  EXPECT_EQ(parsed->zone.name(), "Europe/Berlin");
  ASSERT_EQ(parsed->tables.size(), 3U);
  EXPECT_EQ(parsed->tables[0].key, std::vector<std::string>{"id"});
  EXPECT_EQ(parsed->tables[1].schema.columns[4],
            (ColumnSpec{.name = "level", .type = ColumnType::kInt64, .nullable = true}));

  ASSERT_EQ(parsed->series.size(), 3U);
  const SeriesSpec& levels = parsed->series[0];
  EXPECT_EQ(levels.key, (std::vector<std::string>{"sku", "shop"}));
  EXPECT_EQ(levels.known_at, "known");
  EXPECT_EQ(levels.max_staleness, std::chrono::days(2));
  EXPECT_EQ(levels.when_stale, WhenStale::kRefuse);
  EXPECT_TRUE(parsed->series[1].is_static());
  const SeriesSpec& past = parsed->series[2];
  EXPECT_EQ(past.source, StoredRows(QuerySource{"SELECT shop, placed, 1 AS n FROM orders"}));
  EXPECT_EQ(past.delay, std::chrono::days(1));
  EXPECT_EQ(past.max_staleness, std::nullopt);

  EXPECT_EQ(parsed->request.time, "at");
  EXPECT_TRUE(parsed->request.time_defaults_to_now);
  ASSERT_EQ(parsed->features.size(), 5U);
  EXPECT_EQ(parsed->features[0].when_missing, OwnedValue(std::int64_t{0}));
  EXPECT_EQ(parsed->features[1].when_missing, std::nullopt);
  EXPECT_EQ(parsed->features[1].type, ColumnType::kBool);
  EXPECT_EQ(parsed->features[2].type, ColumnType::kTimestamp);
  EXPECT_EQ(parsed->features[4].type, ColumnType::kInt64);

  ASSERT_TRUE(parsed->serving.has_value());
  EXPECT_EQ(parsed->serving->model, "/srv/models/late.json");
  EXPECT_EQ(parsed->serving->answer[1].kind, AnswerSource::Kind::kModelOutput);
  ASSERT_EQ(parsed->ForbiddenColumns().size(), 1U);
  EXPECT_EQ(parsed->ForbiddenColumns()[0].column, "late");
}

TEST(PipelineSpecTest, ReadsATimestampConstantInThePipelinesZone) {
  const Result<PipelineSpec> parsed = Parse(Valid());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(Show(ViewOf(*parsed->features[2].when_missing)), "2024-06-30T22:00:00Z");
}

TEST(PipelineSpecTest, JoinsTheLinesOfAQuery) {
  ordered_json json = Valid();
  json["series"]["past"]["query"] = {"SELECT shop, placed, 1 AS n", "FROM orders"};
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->series[2].source,
            StoredRows(QuerySource{"SELECT shop, placed, 1 AS n\nFROM orders"}));
}

TEST(PipelineSpecTest, IsUtcAndForbidsNothingUnlessToldOtherwise) {
  ordered_json json = Valid();
  for (const char* optional : {"timezone", "training", "serving", "description"}) {
    json.erase(optional);
  }
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->zone.name(), TimeZone().name());
  EXPECT_TRUE(parsed->ForbiddenColumns().empty());
  EXPECT_FALSE(parsed->serving.has_value());
}

TEST(PipelineSpec, NeedsNoModelFileWhereItsModelIsTrainedOrImported) {
  ordered_json pipeline = Valid();
  pipeline["serving"].erase("model");
  const auto imported = Parse(pipeline);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_TRUE(imported->serving->model.empty());
  pipeline["training"]["model"] = {{"algorithm", "random_forest"}};
  const auto trained = Parse(pipeline);
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  EXPECT_TRUE(trained->serving->model.empty());
}

TEST(PipelineSpec, SaysWhetherRequestsInCsvHaveAHeader) {
  ordered_json pipeline = Valid();
  EXPECT_TRUE(Parse(pipeline)->request.csv_has_header);
  pipeline["request"]["csv_header"] = "absent";
  EXPECT_FALSE(Parse(pipeline)->request.csv_has_header);
  pipeline["request"]["csv_header"] = "no";
  EXPECT_EQ(Parse(pipeline).error().message, "$.request.csv_header: expected present or absent");
}

TEST(PipelineSpec, DeclaresHowFilesAndRequestsAreWritten) {
  ordered_json pipeline = Valid();
  EXPECT_EQ(Parse(pipeline)->tables[0].csv, CsvDialect());
  const auto dialect = ordered_json::parse(R"({
    "delimiter": ";", "decimal": ",", "thousands": ".", "encoding": "windows-1252",
    "null": ["NA", "NULL"], "trim": true, "header": "any_case"})");
  pipeline["tables"]["orders"]["csv"] = dialect;
  pipeline["request"]["csv"] = {{"delimiter", "\t"}};
  const Result<PipelineSpec> parsed = Parse(pipeline);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->tables[0].csv, (CsvDialect{.delimiter = ';',
                                               .decimal = ',',
                                               .thousands = '.',
                                               .encoding = CsvEncoding::kWindows1252,
                                               .blanks = CsvBlanks::kTrimmed,
                                               .header = CsvHeaderMatch::kAnyCase,
                                               .null = {"NA", "NULL"}}));
  EXPECT_EQ(parsed->tables[1].csv, CsvDialect());
  pipeline["tables"]["orders"]["csv"] = {{"thousands", "."}};
  EXPECT_EQ(Parse(pipeline)->tables[0].csv, (CsvDialect{.decimal = '\0', .thousands = '.'}));
  EXPECT_EQ(parsed->request.csv, CsvDialect{.delimiter = '\t'});
}

TEST(PipelineSpec, DeclaresHowTheValuesOfAColumnAreWritten) {
  ordered_json pipeline = Valid();
  pipeline["tables"]["orders"]["columns"] = ordered_json::parse(R"({
    "id": {"type": "text", "header": "Order Id"},
    "placed": {"type": "timestamp", "format": "%d/%m/%Y"},
    "shop": "int64",
    "late": {"type": "bool", "true": ["yes"], "false": ["no", "n"]}})");
  const Result<PipelineSpec> parsed = Parse(pipeline);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const std::vector<ColumnSpec>& columns = parsed->tables[0].schema.columns;
  EXPECT_EQ(columns[0].header(), "Order Id");
  EXPECT_EQ(columns[1].format.time->text(), "%d/%m/%Y");
  EXPECT_EQ(columns[2], (ColumnSpec{.name = "shop", .type = ColumnType::kInt64}));
  EXPECT_THAT(columns[3].format.true_words, testing::ElementsAre("yes"));
  EXPECT_THAT(columns[3].format.false_words, testing::ElementsAre("no", "n"));
}

TEST(PipelineSpecTest, TheShippedPipelineIsValid) {
  const Result<PipelineSpec> parsed =
      LoadPipelineSpec(FORKCAST_SOURCE_DIR "/conf/pipelines/order_triage.json");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->name, "order_triage");
  EXPECT_TRUE(std::filesystem::exists(parsed->serving->model));
}

class InvalidPipeline : public testing::TestWithParam<Mutation> {};

TEST_P(InvalidPipeline, IsRefusedWithThePathOfWhatIsWrong) {
  ordered_json json = Valid();
  ASSERT_NO_FATAL_FAILURE(Apply(GetParam(), json));
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parsed.error().message, StartsWith(GetParam().error));
}

const auto kNameOf = [](const auto& param) { return param.param.name; };

INSTANTIATE_TEST_SUITE_P(
    UnknownKeys, InvalidPipeline,
    testing::Values(
        Mutation{"AtTheTop", "/feature", "1", "$.feature: unknown key; known here: name, version"},
        Mutation{"InATable", "/tables/orders/keys", "[]", "$.tables.orders.keys: unknown key"},
        Mutation{"InAColumn", "/tables/levels/columns/level/null", "true",
                 "$.tables.levels.columns.level.null: unknown key"},
        Mutation{"InASeries", "/series/levels/value", "1", "$.series.levels.value: unknown key"},
        Mutation{"InTheRequest", "/request/field", "{}", "$.request.field: unknown key"},
        Mutation{"InItsTime", "/request/time/zone", "1", "$.request.time.zone: unknown key"},
        Mutation{"InAsOf", "/features/0/lag", "1", "$.features[0].lag: unknown key"},
        Mutation{"InReached", "/features/1/part", "1", "$.features[1].part: unknown key"},
        Mutation{"InCalendar", "/features/4/missing", "\"error\"",
                 "$.features[4].missing: unknown key"},
        Mutation{"InMissing", "/features/0/missing/default", "1",
                 "$.features[0].missing.default: unknown key"},
        Mutation{"InServing", "/serving/answers", "[]", "$.serving.answers: unknown key"},
        Mutation{"InAnAnswer", "/serving/answer/0/type", "1",
                 "$.serving.answer[0].type: unknown key"},
        Mutation{"InAMetric", "/metrics", R"([{"name": "m", "average": "class"}])",
                 "$.metrics[0].average: unknown key"},
        Mutation{"InTraining", "/training/features", "[]", "$.training.features: unknown key"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    MissingKeys, InvalidPipeline,
    testing::Values(
        Mutation{"Name", "/name", "", "$: missing key \"name\""},
        Mutation{"Version", "/version", "", "$: missing key \"version\""},
        Mutation{"Tables", "/tables", "", "$: missing key \"tables\""},
        Mutation{"Series", "/series", "", "$: missing key \"series\""},
        Mutation{"Request", "/request", "", "$: missing key \"request\""},
        Mutation{"Features", "/features", "", "$: missing key \"features\""},
        Mutation{"ColumnsOfATable", "/tables/shops/columns", "",
                 "$.tables.shops: missing key \"columns\""},
        Mutation{"ColumnsOfAQuery", "/series/past/columns", "",
                 "$.series.past: missing key \"columns\""},
        Mutation{"KeyOfASeries", "/series/shops/key", "", "$.series.shops: missing key \"key\""},
        Mutation{"Staleness", "/series/levels/max_staleness", "",
                 "$.series.levels: missing key \"max_staleness\""},
        Mutation{"StalenessRule", "/series/levels/when_stale", "",
                 "$.series.levels: missing key \"when_stale\""},
        Mutation{"OpOfAFeature", "/features/0/op", "", "$.features[0]: missing key \"op\""},
        Mutation{"PartOfACalendar", "/features/4/part", "", "$.features[4]: missing key \"part\""},
        Mutation{"ValueOfADefault", "/features/0/missing", "{}",
                 "$.features[0].missing: missing key \"value\""},
        Mutation{"Label", "/training/label", "", "$.training: missing key \"label\""}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    WrongTypes, InvalidPipeline,
    testing::Values(
        Mutation{"Document", "", "[]", "$: expected an object, got []"},
        Mutation{"Name", "/name", "5", "$.name: expected a text that is not empty, got 5"},
        Mutation{"EmptyVersion", "/version", "\"\"", "$.version: expected a text"},
        Mutation{"NumberForADescription", "/description", "5", "$.description: expected a text"},
        Mutation{"Tables", "/tables", "[]", "$.tables: expected an object"},
        Mutation{"ColumnType", "/tables/shops/columns/shop", "\"integer\"",
                 "$.tables.shops.columns.shop: expected text, int64, double, bool or timestamp"},
        Mutation{"Nullable", "/tables/levels/columns/level/nullable", "1",
                 "$.tables.levels.columns.level.nullable: expected true or false, got 1"},
        Mutation{"NoColumns", "/tables/shops/columns", "{}",
                 "$.tables.shops.columns: expected at least one column"},
        Mutation{"ColumnWithoutName", "/tables/shops/columns", R"({"": "text"})",
                 "$.tables.shops.columns.: a column needs a name"},
        Mutation{"KeyAsText", "/series/shops/key", "\"shop\"",
                 "$.series.shops.key: expected an array"},
        Mutation{"EmptyValues", "/series/shops/values", "[]",
                 "$.series.shops.values: expected at least one column"},
        Mutation{"NoFeatures", "/features", "[]", "$.features: expected at least one feature"},
        Mutation{"FeatureAsText", "/features/2", "\"hour\"",
                 "$.features[2]: expected an object, got \"hour\""},
        Mutation{"Op", "/features/2/op", "\"sideways\"",
                 "$.features[2].op: expected one of as_of, reached, calendar, field, lag"},
        Mutation{"Part", "/features/4/part", "\"minute\"",
                 "$.features[4].part: expected one of hour, day_of_week"},
        Mutation{"Missing", "/features/0/missing", "\"zero\"",
                 "$.features[0].missing: expected \"error\", \"keep\" or {\"value\": ...}"},
        Mutation{"TextForAnInteger", "/features/0/missing/value", "\"0\"",
                 "$.features[0].missing.value: expected an integer"},
        Mutation{"FractionForAnInteger", "/features/0/missing/value", "0.5",
                 "$.features[0].missing.value: expected an integer"},
        Mutation{"IntegerBeyond64Bits", "/features/0/missing/value", "9223372036854775808",
                 "$.features[0].missing.value: expected an integer"},
        Mutation{"NumberForABool", "/features/1/missing", R"({"value": 0})",
                 "$.features[1].missing.value: expected true or false"},
        Mutation{"UnreadableTimestamp", "/features/2/missing/value", "\"1.7.2024\"",
                 "$.features[2].missing.value: "},
        Mutation{"NoAnswer", "/serving/answer", "[]",
                 "$.serving.answer: expected at least one member"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    References, InvalidPipeline,
    testing::Values(
        Mutation{"GrowsByNoColumn", "/tables/orders/grows_by", "\"number\"",
                 "$.tables.orders.grows_by"},
        Mutation{"GrowsByAText", "/tables/orders/grows_by", "\"id\"",
                 "$.tables.orders.grows_by: column \"id\" is text, expected int64 or timestamp"},
        Mutation{"GrowsByWhatMayBeMissing", "/tables/levels/grows_by", "\"level\"",
                 "$.tables.levels.grows_by: column \"level\" may not be nullable"},
        Mutation{"KeyOfATableToNoColumn", "/tables/orders/key", R"(["number"])",
                 "$.tables.orders.key[0]: no column \"number\" in table \"orders\""},
        Mutation{"SeriesOfNoTable", "/series/shops/table", "\"shop\"",
                 "$.series.shops.table: no table \"shop\""},
        Mutation{"SeriesWithKeyOfNoColumn", "/series/shops/key", R"(["id"])",
                 "$.series.shops.key[0]: no column \"id\" in the source of series \"shops\""},
        Mutation{"SeriesWithValueOfNoColumn", "/series/shops/values/1", "\"title\"",
                 "$.series.shops.values[1]: no column \"title\" in the source of series \"shops\""},
        Mutation{"SeriesWithTimeOfNoColumn", "/series/levels/time", "\"when\"",
                 "$.series.levels.time: no column \"when\""},
        Mutation{"QueryWithValueItDoesNotDeclare", "/series/past/values/0", "\"id\"",
                 "$.series.past.values[0]: no column \"id\" in the source of series \"past\""},
        Mutation{"FeatureOfNoSeries", "/features/0/series", "\"stock\"",
                 "$.features[0].series: no series \"stock\""},
        Mutation{"FeatureOfAColumnThatIsNoValue", "/features/0/value", "\"known\"",
                 "$.features[0].value: no column \"known\" in the values of series \"levels\""},
        Mutation{"FeatureWithKeyOfNoField", "/features/0/key/1", "\"store\"",
                 "$.features[0].key[1]: no column \"store\" in the request's fields"},
        Mutation{"TimeOfNoField", "/request/time/field", "\"placed\"",
                 "$.request.time.field: no column \"placed\" in the request's fields"},
        Mutation{"AnswerOfNoField", "/serving/answer/0/field", "\"order\"",
                 "$.serving.answer[0].field: no column \"order\""},
        Mutation{"TrainingOnNoTable", "/training/table", "\"order\"",
                 "$.training.table: no table \"order\""},
        Mutation{"LabelOfNoColumn", "/training/label", "\"tardy\"",
                 "$.training.label: no column \"tardy\" in table \"orders\""}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Dialects, InvalidPipeline,
    testing::Values(
        Mutation{"ADigitAsDelimiter", "/tables/orders/csv", R"({"delimiter": "0"})",
                 "$.tables.orders.csv.delimiter: expected a tab or a mark"},
        Mutation{"TwoCharactersAsDelimiter", "/tables/orders/csv", R"({"delimiter": "::"})",
                 "$.tables.orders.csv.delimiter: expected one ASCII character"},
        Mutation{"OneMarkForTwoThings", "/tables/orders/csv", R"({"decimal": ","})",
                 "$.tables.orders.csv.decimal: \",\" is the delimiter as well"},
        Mutation{"ThousandsAsTheDecimalPoint", "/request/csv",
                 R"({"decimal": ".", "thousands": "."})",
                 "$.request.csv.thousands: \".\" is the decimal point as well"},
        Mutation{"AnUnknownEncoding", "/tables/orders/csv", R"({"encoding": "cp437"})",
                 "$.tables.orders.csv.encoding: expected utf-8, windows-1252, iso-8859-1"},
        Mutation{"ANullTextTwice", "/tables/orders/csv", R"({"null": ["NA", "NA"]})",
                 "$.tables.orders.csv.null"},
        Mutation{"AnUnknownHeader", "/tables/orders/csv", R"({"header": "none"})",
                 "$.tables.orders.csv.header: expected exact or any_case"},
        Mutation{"AnUnknownOption", "/tables/orders/csv", R"({"quote": "'"})",
                 "$.tables.orders.csv.quote: unknown key"},
        Mutation{"AnAmbiguousFormat", "/tables/orders/columns/placed",
                 R"({"type": "timestamp", "format": "%d %y"})",
                 "$.tables.orders.columns.placed.format: there is a day without a month in the "
                 "format \"%d %y\""},
        Mutation{"AFormatOfANumber", "/tables/orders/columns/shop",
                 R"({"type": "int64", "format": "%Y"})",
                 "$.tables.orders.columns.shop.format: only a timestamp has a format"},
        Mutation{"WordsOfANumber", "/tables/orders/columns/shop",
                 R"({"type": "int64", "true": ["yes"]})",
                 "$.tables.orders.columns.shop.true: only a bool has words"},
        Mutation{"WordsForTrueAlone", "/tables/orders/columns/late",
                 R"({"type": "bool", "true": ["yes"]})",
                 "$.tables.orders.columns.late: missing key \"false\""},
        Mutation{"AWordForBoth", "/tables/orders/columns/late",
                 R"({"type": "bool", "true": ["yes", "x"], "false": ["x"]})",
                 "$.tables.orders.columns.late.false[0]: stands for true as well"},
        Mutation{"NoWordAtAll", "/tables/orders/columns/late",
                 R"({"type": "bool", "true": [], "false": ["no"]})",
                 "$.tables.orders.columns.late.true: expected at least one word"},
        Mutation{"OneHeaderForTwoColumns", "/tables/orders/columns/shop",
                 R"({"type": "int64", "header": "id"})",
                 "$.tables.orders.columns.shop: column \"id\" has the same header"},
        Mutation{"AFormatInAQuery", "/series/past/columns/placed",
                 R"({"type": "timestamp", "format": "%Y"})",
                 "$.series.past.columns.placed.format: unknown key"},
        Mutation{"ColumnsThatDifferInCase", "/tables/shops/columns/SHOP", "\"int64\"",
                 "$.tables.shops.columns.SHOP: column \"shop\" has the same name but for upper and "
                 "lower case"},
        Mutation{"TablesThatDifferInCase", "/tables/Shops", R"({"columns": {"shop": "int64"}})",
                 "$.tables.Shops: table \"shops\" has the same name but for upper and lower case"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Meaning, InvalidPipeline,
    testing::Values(
        Mutation{"UnknownZone", "/timezone", "\"Europe/Atlantis\"", "$.timezone: "},
        Mutation{"NameThatWouldLeaveItsFolder", "/name", "\"../x\"",
                 "$.name: name \"../x\": expected letters"},
        Mutation{"SeriesNameThatWouldLeaveItsFolder", "/series",
                 R"({"../x": {"table": "shops", "key": ["shop"], "values": ["name"]}})",
                 "$.series.../x: name \"../x\": expected letters"},
        Mutation{"TableAndQuery", "/series/shops/query", "\"SELECT 1\"",
                 "$.series.shops: expected either \"table\" or \"query\""},
        Mutation{"QueryOfNoLine", "/series/past/query", "[]",
                 "$.series.past.query: expected at least one line"},
        Mutation{"QueryWithALineThatIsNoText", "/series/past/query", R"(["SELECT shop", 1])",
                 "$.series.past.query[1]: expected a text that is not empty"},
        Mutation{"NeitherTableNorQuery", "/series/shops/table", "",
                 "$.series.shops: expected either \"table\" or \"query\""},
        Mutation{"ColumnsWithATable", "/series/shops/columns", R"({"shop": "int64"})",
                 "$.series.shops: \"columns\" belongs to a query"},
        Mutation{"NullableKey", "/series/levels/key/0", "\"level\"",
                 "$.series.levels.key[0]: column \"level\" may not be nullable here"},
        Mutation{"NullableTime", "/tables/levels/columns/at",
                 R"({"type": "timestamp", "nullable": true})",
                 "$.series.levels.time: column \"at\" may not be nullable here"},
        Mutation{"NullableKnownAt", "/tables/levels/columns/known",
                 R"({"type": "timestamp", "nullable": true})",
                 "$.series.levels.known_at: column \"known\" may not be nullable here"},
        Mutation{"DoubleAsKey", "/series/levels/key/0", "\"weight\"",
                 "$.series.levels.key[0]: a double cannot be a key"},
        Mutation{"KeyColumnTwice", "/series/levels/key", R"(["sku", "sku"])",
                 "$.series.levels.key[1]: given twice"},
        Mutation{"ValueTwice", "/series/shops/values", R"(["name", "name"])",
                 "$.series.shops.values[1]: given twice"},
        Mutation{"TimeOfAnotherType", "/series/levels/time", "\"shop\"",
                 "$.series.levels.time: column \"shop\" is int64, expected timestamp"},
        Mutation{"KnownAtOfAnotherType", "/series/levels/known_at", "\"shop\"",
                 "$.series.levels.known_at: column \"shop\" is int64, expected timestamp"},
        Mutation{"KnownAtAndDelay", "/series/levels/delay", "\"1d\"",
                 "$.series.levels.delay: a series has either known_at or delay"},
        Mutation{"DelayWithoutUnit", "/series/past/delay", "\"3\"",
                 "$.series.past.delay: expected a span of time"},
        Mutation{"NegativeDelay", "/series/past/delay", "\"-1d\"",
                 "$.series.past.delay: expected a span of time"},
        Mutation{"DelayOfAStaticSeries", "/series/shops/delay", "\"1d\"",
                 "$.series.shops.delay: a series without time has none"},
        Mutation{"StalenessOfAStaticSeries", "/series/shops/max_staleness", "\"1d\"",
                 "$.series.shops.max_staleness: a series without time has none"},
        Mutation{"RuleForUnlimitedStaleness", "/series/past/when_stale", "\"flag\"",
                 "$.series.past.when_stale: nothing is stale when unlimited"},
        Mutation{"AgeOfAStaticSeries", "/series/shops/max_age", "\"1d\"",
                 "$.series.shops.max_age: a series without time has none"},
        Mutation{"AgeWithoutRule", "/series/past/max_age", "\"1d\"",
                 "$.series.past: missing key \"when_stale\""},
        Mutation{"StrictOfAStaticSeries", "/features/1/strict", "true",
                 "$.features[1].strict: series \"shops\" has no time"},
        Mutation{"SkippingOfAStaticSeries", "/features/1/skip_missing", "true",
                 "$.features[1].skip_missing: series \"shops\" has no time"},
        Mutation{"UnknownStalenessRule", "/series/levels/when_stale", "\"warn\"",
                 "$.series.levels.when_stale: expected serve, flag or refuse"},
        Mutation{"TimeOfARequestOfAnotherType", "/request/time", "\"sku\"",
                 "$.request.time: column \"sku\" is text, expected timestamp"},
        Mutation{"NullableTimeWithoutDefault", "/request/time", "\"at\"",
                 "$.request.time: nullable, so it needs \"default\": \"now\""},
        Mutation{"DefaultForATimeThatIsNeverMissing", "/request/fields/at", "\"timestamp\"",
                 "$.request.time.field: defaults to now, so it must be declared nullable"},
        Mutation{"DefaultOtherThanNow", "/request/time/default", "\"today\"",
                 "$.request.time.default: expected \"now\""},
        Mutation{"TooFewKeys", "/features/0/key", R"(["sku"])",
                 "$.features[0].key: series \"levels\" has 2 key column(s)"},
        Mutation{"TooManyKeys", "/features/1/key", R"(["shop", "shop"])",
                 "$.features[1].key: series \"shops\" has 1 key column(s)"},
        Mutation{"KeyOfAnotherType", "/features/1/key", R"(["sku"])",
                 "$.features[1].key[0]: field is text, key column \"shop\" is int64"},
        Mutation{"KeysInTheWrongOrder", "/features/0/key", R"(["shop", "sku"])",
                 "$.features[0].key[0]: field is int64, key column \"sku\" is text"},
        Mutation{"ReachedOfNoInstant", "/features/1/value", "\"name\"",
                 "$.features[1].value: expected a timestamp column"},
        Mutation{"FeatureTwice", "/features/4/name", "\"level\"",
                 "$.features[4].name: given twice"},
        Mutation{"AnswerTwice", "/serving/answer/1/name", "\"id\"",
                 "$.serving.answer[1].name: given twice"},
        Mutation{"AnswerFromTwoSources", "/serving/answer/0/output", "\"class\"",
                 "$.serving.answer[0]: expected either \"field\" or \"output\""}),
    kNameOf);

/// What the label's column could be smuggled in as.
INSTANTIATE_TEST_SUITE_P(
    Label, InvalidPipeline,
    testing::Values(
        Mutation{"AsAValue", "/series/shops",
                 R"({"table": "orders", "key": ["shop"], "values": ["id", "late"]})",
                 "$.series.shops.values[1]: \"late\" is the label: it can never be a feature"},
        Mutation{"AsAKey", "/series/shops",
                 R"({"table": "orders", "key": ["late"], "values": ["id"]})",
                 "$.series.shops.key[0]: \"late\" is the label: it can never be a feature"},
        Mutation{"AsAFieldOfTheRequest", "/request/fields/late", "\"bool\"",
                 "$.request.fields.late: the label cannot be a field of a request"},
        Mutation{"AsANameOfAFeature", "/features/4/name", "\"late\"",
                 "$.features[4].name: the label can never be a feature"}),
    kNameOf);

TEST(PipelineSpecTest, TheLabelCannotLocateARowInTimeEither) {
  ordered_json json = Valid();
  json["training"]["label"] = "placed";
  json["series"]["shops"] = {{"table", "orders"},
                             {"key", {"shop"}},
                             {"time", "placed"},
                             {"values", {"id"}},
                             {"max_staleness", "unlimited"}};
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, StartsWith("$.series.shops.time: \"placed\" is the label"));
}

TEST(PipelineSpecTest, AColumnOfAnotherTableMayBeCalledLikeTheLabel) {
  ordered_json json = Valid();
  json["tables"]["shops"]["columns"]["late"] = "bool";
  json["series"]["shops"]["values"] = {"opens", "name", "late"};
  EXPECT_TRUE(Parse(json).ok());
}

TEST(PipelineSpecTest, TakesSixtyFourSeriesAndNoMore) {
  ordered_json json = Valid();
  for (int i = 3; i < 64; ++i) json["series"]["s" + std::to_string(i)] = json["series"]["shops"];
  EXPECT_TRUE(Parse(json).ok());
  json["series"]["one_more"] = json["series"]["shops"];
  const Result<PipelineSpec> parsed = Parse(json);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().message, "$.series: at most 64 series");
}

TEST(LoadPipelineSpecTest, PutsTheFilesNameBeforeTheMessage) {
  const TempFolder folder;
  const auto file = folder.Write("p.json", R"({"name": 5})");
  const Result<PipelineSpec> parsed = LoadPipelineSpec(file);
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, StartsWith(file.string() + ": $"));
}

TEST(LoadPipelineSpecTest, NamesAFileThatIsAbsent) {
  const Result<PipelineSpec> parsed = LoadPipelineSpec("/absent/p.json");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, ErrorCode::kIo);
  EXPECT_THAT(parsed.error().message,
              AllOf(HasSubstr("/absent/p.json"), HasSubstr("No such file")));
}

struct DurationCase {
  std::string name;
  std::string text;
  std::optional<std::chrono::microseconds> duration;
};

void PrintTo(const DurationCase& one, std::ostream* out) { *out << one.name; }

class DurationTest : public testing::TestWithParam<DurationCase> {};

TEST_P(DurationTest, IsANumberAndAUnit) {
  const Result<std::chrono::microseconds> parsed = ParseDuration(GetParam().text);
  ASSERT_EQ(parsed.ok(), GetParam().duration.has_value());
  if (parsed) {
    EXPECT_EQ(*parsed, *GetParam().duration);
  } else {
    EXPECT_THAT(parsed.error().message, HasSubstr("got \"" + GetParam().text + "\""));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DurationTest,
    testing::Values(DurationCase{"Seconds", "90s", std::chrono::seconds(90)},
                    DurationCase{"Minutes", "15m", std::chrono::minutes(15)},
                    DurationCase{"Hours", "12h", std::chrono::hours(12)},
                    DurationCase{"Days", "7d", std::chrono::days(7)},
                    DurationCase{"Weeks", "2w", std::chrono::weeks(2)},
                    DurationCase{"Zero", "0s", std::chrono::seconds(0)},
                    DurationCase{"TenYears", "3650d", std::chrono::days(3650)},
                    DurationCase{"MoreThanTenYears", "3651d", {}},
                    DurationCase{"Overflow", "9223372036854775807w", {}},
                    DurationCase{"Empty", "", {}}, DurationCase{"NoNumber", "d", {}},
                    DurationCase{"NoUnit", "7", {}}, DurationCase{"UnknownUnit", "7y", {}},
                    DurationCase{"UnitTwice", "7dd", {}}, DurationCase{"Negative", "-7d", {}},
                    DurationCase{"Fraction", "1.5h", {}}, DurationCase{"Blank", "7 d", {}}),
    kNameOf);

}  // namespace
}  // namespace forkcast::preprocessing
