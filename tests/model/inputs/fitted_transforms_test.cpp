#include "model/inputs/fitted_transforms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <ostream>
#include <random>

#include "data_preprocessing/base/random.hpp"
#include "model/double_parts.hpp"
#include "support/allocation_counter.hpp"
#include "support/spec_error.hpp"

namespace forkcast::model {
namespace {

using namespace preprocessing;

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsNan;
using testing::StartsWith;

using With = Impute::With;

std::vector<std::uint32_t> AllRows(const FeatureTable& table) {
  std::vector<std::uint32_t> rows(table.row_count());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

FeatureTable Numbers(const std::vector<Value>& values) {
  FeatureTable table({{"x", FeatureKind::kNumber}});
  for (const Value& value : values) EXPECT_TRUE(table.Append(std::span(&value, 1)));
  return table;
}

FeatureTable Cities(const std::vector<Value>& values) {
  FeatureTable table({{"city", FeatureKind::kCategory}});
  for (const Value& value : values) EXPECT_TRUE(table.Append(std::span(&value, 1)));
  return table;
}

/// Where the inputs of transforms are in a row that has no others.
std::vector<std::size_t> InOrder(const FittedTransforms& transforms) {
  std::vector<std::size_t> positions(transforms.inputs().size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  return positions;
}

struct NumberCase {
  std::string name;
  TransformSpec spec;
  std::vector<Value> values;
  std::vector<double> transformed;
};

void PrintTo(const NumberCase& one, std::ostream* out) { *out << one.name; }

class NumberTransform : public testing::TestWithParam<NumberCase> {};

TEST_P(NumberTransform, Gives) {
  const FeatureTable table = Numbers(GetParam().values);
  const auto fitted =
      FittedTransforms::Fit(table, {}, AllRows(table), std::span(&GetParam().spec, 1));
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_THAT(fitted->outputs(), ElementsAre("x"));
  const std::vector<float> transformed = *fitted->Transform(table, AllRows(table));
  EXPECT_THAT(transformed,
              testing::Pointwise(testing::NanSensitiveFloatNear(1e-6F), GetParam().transformed));
}

const Value kNone;

INSTANTIATE_TEST_SUITE_P(
    Cases, NumberTransform,
    testing::Values(
        NumberCase{"WhatItWasByDefault", {.feature = "x"}, {1.5, kNone, 3.0}, {1.5, NAN, 3}},
        NumberCase{"AConstantForMissing",
                   {.feature = "x", .impute = Impute{.constant = -1}},
                   {1.0, kNone},
                   {1, -1}},
        NumberCase{"TheMeanForMissing",
                   {.feature = "x", .impute = Impute{.with = With::kMean}},
                   {1.0, kNone, 4.0},
                   {1, 2.5, 4}},
        NumberCase{"TheMedianOfAnOddNumberForMissing",
                   {.feature = "x", .impute = Impute{.with = With::kMedian}},
                   {9.0, kNone, 1.0, 4.0},
                   {9, 4, 1, 4}},
        NumberCase{"TheMedianOfAnEvenNumberForMissing",
                   {.feature = "x", .impute = Impute{.with = With::kMedian}},
                   {9.0, 1.0, 4.0, kNone, 5.0},
                   {9, 1, 4, 4.5, 5}},
        NumberCase{"MissingAsItIsWithoutAnyValue",
                   {.feature = "x", .impute = Impute{.with = With::kMean}, .scale = true},
                   {kNone, kNone},
                   {NAN, NAN}},
        // sklearn.preprocessing.StandardScaler: mean 3, deviation sqrt(6)
        NumberCase{"DeviationsFromTheMeanWhenScaled",
                   {.feature = "x", .scale = true},
                   {1.0, 1.0, 3.0, 7.0, kNone},
                   {-0.8164966, -0.8164966, 0, 1.6329932, NAN}},
        NumberCase{
            "OnlyAShiftWithoutSpread", {.feature = "x", .scale = true}, {0.1, 0.1, 0.1}, {0, 0, 0}},
        // Mean and deviation of 0, 0, 6, 2
        NumberCase{"ScaledAfterImputing",
                   {.feature = "x", .impute = Impute{.constant = 0}, .scale = true},
                   {kNone, 0.0, 6.0, 2.0},
                   {-0.8164966, -0.8164966, 1.6329932, 0}}),
    [](const auto& one) { return one.param.name; });

TEST(OrdinalEncoding, NumbersTheTrainingCategoriesInTheirOrder) {
  const FeatureTable table = Cities({"Ulm"sv, "Bonn"sv, kNone, "Aachen"sv, "Ulm"sv});
  const auto fitted = FittedTransforms::Fit(table, {}, std::vector<std::uint32_t>{0, 1, 2}, {});
  ASSERT_TRUE(fitted);
  EXPECT_THAT(*fitted->Transform(table, AllRows(table)),
              ElementsAre(1, 0, IsNan(), IsNan(), 1));  // Aachen is new after the training
}

TEST(OneHotEncoding, HasAColumnForEachTrainingCategory) {
  const FeatureTable table = Cities({"Ulm"sv, "Bonn"sv, kNone, "Aachen"sv});
  const TransformSpec spec{.feature = "city", .encoding = CategoryEncoding::kOneHot};
  const auto fitted =
      FittedTransforms::Fit(table, {}, std::vector<std::uint32_t>{0, 1, 2}, std::span(&spec, 1));
  ASSERT_TRUE(fitted);
  EXPECT_THAT(fitted->outputs(), ElementsAre("city=Bonn", "city=Ulm"));
  EXPECT_THAT(*fitted->Transform(table, AllRows(table)), ElementsAre(0, 1, 1, 0, 0, 0, 0, 0));
}

TEST(TargetMeanEncoding, DrawsMeansTowardsThatOfAllRows) {
  const FeatureTable table = Cities({"Ulm"sv, "Ulm"sv, "Bonn"sv, kNone, "Aachen"sv});
  const std::vector<double> target{1, 3, 8, 4, 1000};
  const TransformSpec spec{
      .feature = "city", .encoding = CategoryEncoding::kTargetMean, .smoothing = 2};
  const auto fitted = FittedTransforms::Fit(table, target, std::vector<std::uint32_t>{0, 1, 2, 3},
                                            std::span(&spec, 1));
  ASSERT_TRUE(fitted);
  // All rows: 4. Ulm: (1 + 3 + 2 * 4) / (2 + 2). Bonn: (8 + 2 * 4) / (1 + 2).
  EXPECT_THAT(*fitted->Transform(table, AllRows(table)),
              ElementsAre(3, 3, static_cast<float>(16.0 / 3), 4, 4));
}

TEST(UnknownCategory, IsAnErrorWhereAskedFor) {
  const FeatureTable table = Cities({"Ulm"sv, kNone, "Aachen"sv});
  const TransformSpec spec{.feature = "city", .unknown = UnknownCategory::kError};
  const auto fitted =
      FittedTransforms::Fit(table, {}, std::vector<std::uint32_t>{0}, std::span(&spec, 1));
  ASSERT_TRUE(fitted);
  EXPECT_THAT(*fitted->Transform(table, std::vector<std::uint32_t>{0, 1}),
              ElementsAre(0, IsNan()));  // a missing one is not unknown
  const Error expected{ErrorCode::kInvalidArgument,
                       "no row of the training had the category \"Aachen\"", "city"};
  EXPECT_EQ(fitted->Transform(table, AllRows(table)).error(), expected);
  std::vector<float> out(1);
  EXPECT_EQ(fitted->TransformRow(std::vector<Value>{"Aachen"sv}, InOrder(*fitted), out).error(),
            expected);
}

/// A table of two numbers and two texts, with missing values, and a target.
struct MixedRows {
  FeatureTable table{{{"a", FeatureKind::kNumber},
                      {"kind", FeatureKind::kCategory},
                      {"b", FeatureKind::kNumber},
                      {"city", FeatureKind::kCategory},
                      {"shop", FeatureKind::kCategory}}};
  std::vector<std::vector<Value>> rows;
  std::vector<double> target;

  MixedRows(std::size_t count, std::uint64_t seed) {
    static constexpr std::string_view kTexts[] = {"", "x", "Köln", "a\"b", "zz", "y"};
    std::mt19937_64 engine(seed);
    const auto number = [&engine]() -> Value {
      if (DrawBelow(engine, 6) == 0) return {};
      return 100 * DrawShare(engine) - 20;
    };
    const auto text = [&engine]() -> Value {
      if (DrawBelow(engine, 6) == 0) return {};
      return kTexts[DrawBelow(engine, std::size(kTexts))];
    };
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back({number(), text(), number(), text(), text()});
      EXPECT_TRUE(table.Append(rows.back()));
      target.push_back(DrawShare(engine) / 3);
    }
  }
};

const std::vector<TransformSpec> kMixedSpecs{
    {.feature = "city", .encoding = CategoryEncoding::kOneHot},
    {.feature = "a", .impute = Impute{.with = With::kMedian}, .scale = true},
    {.feature = "b", .impute = Impute{.with = With::kMean}},
    {.feature = "shop", .encoding = CategoryEncoding::kTargetMean, .smoothing = 0.3}};

bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST(FittedTransforms, LearnNothingFromOtherRows) {
  const MixedRows one(60, 1);
  MixedRows other(60, 2);
  // Rows 20..49 are the same in both.
  FeatureTable mixed(one.table.columns());
  std::vector<double> target = other.target;
  std::vector<std::uint32_t> training;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const bool is_training = 20 <= i && i < 50;
    if (is_training) training.push_back(i);
    if (is_training) target[i] = one.target[i];
    ASSERT_TRUE(mixed.Append(is_training ? one.rows[i] : other.rows[i]));
  }
  for (std::uint32_t i = 0; i < 20; ++i) target[i] = NAN;
  const auto a = FittedTransforms::Fit(one.table, one.target, training, kMixedSpecs);
  const auto b = FittedTransforms::Fit(mixed, target, training, kMixedSpecs);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a, *b);
}

TEST(FittedTransforms, GiveTheSameBitsRowByRowAsForATable) {
  const MixedRows data(200, 3);
  const auto fitted = FittedTransforms::Fit(
      data.table, data.target, std::vector<std::uint32_t>{1, 5, 9, 30, 31, 32}, kMixedSpecs);
  ASSERT_TRUE(fitted);
  const std::size_t width = fitted->outputs().size();
  const std::vector<float> matrix = *fitted->Transform(data.table, AllRows(data.table));
  ASSERT_EQ(matrix.size(), 200 * width);
  for (std::size_t i = 0; i < 200; ++i) {
    std::vector<float> row(width);
    ASSERT_TRUE(fitted->TransformRow(data.rows[i], InOrder(*fitted), row));
    ASSERT_TRUE(SameBits(row, std::span(matrix).subspan(i * width, width))) << i;
  }
}

TEST(FittedTransforms, ReadARowsValuesWhereverTheyAre) {
  const FeatureTable table = Cities({"Ulm"sv, "Aachen"sv});
  const auto fitted = FittedTransforms::Fit(table, {}, AllRows(table), {});
  ASSERT_TRUE(fitted);
  const std::vector<Value> row{"not this"sv, kNone, "Ulm"sv};
  std::vector<float> out(1);
  ASSERT_TRUE(fitted->TransformRow(row, std::vector<std::size_t>{2}, out));
  EXPECT_THAT(out, ElementsAre(1));
}

TEST(FittedTransforms, AllocateNothingForARow) {
  const MixedRows data(50, 4);
  const auto fitted =
      FittedTransforms::Fit(data.table, data.target, AllRows(data.table), kMixedSpecs);
  ASSERT_TRUE(fitted);
  std::vector<float> out(fitted->outputs().size());
  const std::vector<std::size_t> in_order = InOrder(*fitted);
  const std::size_t before = AllocationCount();
  for (const std::vector<Value>& row : data.rows) (void)fitted->TransformRow(row, in_order, out);
  EXPECT_EQ(AllocationCount(), before);
}

TEST(FittedTransforms, AreTheSameAfterJson) {
  const MixedRows data(80, 5);
  std::vector<TransformSpec> specs = kMixedSpecs;
  specs.push_back({.feature = "kind", .unknown = UnknownCategory::kError});
  const auto fitted = FittedTransforms::Fit(data.table, data.target, AllRows(data.table), specs);
  ASSERT_TRUE(fitted);
  const std::string text = fitted->ToJson().dump();
  const auto json = ParseJson(text);
  const FittedTransforms read = FittedTransforms::FromJson(JsonNode(json));
  EXPECT_EQ(read, *fitted);
  EXPECT_EQ(read.ToJson().dump(), text);
  EXPECT_TRUE(SameBits(*read.Transform(data.table, AllRows(data.table)),
                       *fitted->Transform(data.table, AllRows(data.table))));
}

TEST(FittedTransforms, DoNotTakeAnotherTable) {
  const FeatureTable numbers = Numbers({1.0, 2.0});
  const auto fitted = FittedTransforms::Fit(numbers, {}, AllRows(numbers), {});
  ASSERT_TRUE(fitted);
  const FeatureTable cities = Cities({"Ulm"sv});
  EXPECT_THAT(fitted->Transform(cities, AllRows(cities)).error().message,
              HasSubstr("not those of the training"));
  std::vector<float> out(1);
  EXPECT_EQ(fitted->TransformRow(std::vector<Value>{"Ulm"sv}, InOrder(*fitted), out).error(),
            (Error{ErrorCode::kInvalidArgument, "expected a number", "x"}));
}

struct BadFit {
  std::string name;
  std::vector<TransformSpec> specs;
  std::vector<double> target;
  std::vector<std::uint32_t> rows;
  Error error;
};

void PrintTo(const BadFit& one, std::ostream* out) { *out << one.name; }

class BadFitTest : public testing::TestWithParam<BadFit> {};

TEST_P(BadFitTest, IsRefused) {
  FeatureTable table({{"x", FeatureKind::kNumber}, {"city", FeatureKind::kCategory}});
  ASSERT_TRUE(table.Append(std::vector<Value>{1.0, "Ulm"sv}));
  ASSERT_TRUE(table.Append(std::vector<Value>{2.0, "Bonn"sv}));
  const auto fitted =
      FittedTransforms::Fit(table, GetParam().target, GetParam().rows, GetParam().specs);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error(), GetParam().error);
}

Error Invalid(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

const TransformSpec kCityByTarget{.feature = "city", .encoding = CategoryEncoding::kTargetMean};

INSTANTIATE_TEST_SUITE_P(
    Cases, BadFitTest,
    testing::Values(BadFit{"NoRows", {}, {}, {}, Invalid("no rows to fit transforms on")},
                    BadFit{"UnknownFeature",
                           {{.feature = "y"}},
                           {},
                           {0},
                           Invalid("no such feature to transform", "y")},
                    BadFit{"TwoOfOneFeature",
                           {{.feature = "x"}, {.feature = "x"}},
                           {},
                           {0},
                           Invalid("transformed twice", "x")},
                    BadFit{"ScaledText",
                           {{.feature = "city", .scale = true}},
                           {},
                           {0},
                           Invalid("a text can be neither imputed nor scaled", "city")},
                    BadFit{"EncodedNumber",
                           {{.feature = "x", .encoding = CategoryEncoding::kOneHot}},
                           {},
                           {0},
                           Invalid("only a text can be encoded", "x")},
                    BadFit{"NoTarget",
                           {kCityByTarget},
                           {1},
                           {0},
                           Invalid("expected a target for each row", "city")},
                    BadFit{"MissingTarget",
                           {kCityByTarget},
                           {1, NAN},
                           {0, 1},
                           Invalid("the target of row 1 is not a finite number", "city")}),
    [](const auto& one) { return one.param.name; });

std::vector<TransformSpec> Read(const std::string& text) {
  const auto json = ParseJson(text);
  return ReadTransforms(JsonNode(json));
}

TEST(ReadTransforms, TakesWhatADeclarationGives) {
  EXPECT_THAT(
      Read(R"({"price": {"impute": "median", "scale": true}, "stock": {"impute": 0},
               "store": {"encode": "target_mean", "smoothing": 20, "unknown": "error"},
               "city": {}})"),
      ElementsAre(
          TransformSpec{.feature = "price", .impute = Impute{.with = With::kMedian}, .scale = true},
          TransformSpec{.feature = "stock", .impute = Impute{}},
          TransformSpec{.feature = "store",
                        .encoding = CategoryEncoding::kTargetMean,
                        .smoothing = 20,
                        .unknown = UnknownCategory::kError},
          TransformSpec{.feature = "city"}));
}

struct BadText {
  std::string name;
  std::string text;
  std::string message;
};

void PrintTo(const BadText& one, std::ostream* out) { *out << one.name; }

class BadDeclaration : public testing::TestWithParam<BadText> {};

TEST_P(BadDeclaration, IsRefusedWithItsPlace) {
  EXPECT_THAT(SpecErrorOf([] { Read(GetParam().text); }), StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadDeclaration,
    testing::Values(
        BadText{"UnknownKey", R"({"x": {"clip": 1}})", "$.x.clip: unknown key"},
        BadText{"UnknownImputation", R"({"x": {"impute": "mode"}})",
                "$.x.impute: expected a number"},
        BadText{"UnknownEncoding", R"({"x": {"encode": "hash"}})",
                "$.x.encode: expected one of ordinal, one_hot, target_mean"},
        BadText{"SmoothingOfAnother", R"({"x": {"smoothing": 3}})", "$.x.smoothing: only"},
        BadText{"NegativeSmoothing", R"({"x": {"encode": "target_mean", "smoothing": -1}})",
                "$.x.smoothing: expected a number"},
        BadText{"NumberAndText", R"({"x": {"scale": true, "encode": "ordinal"}})",
                "$.x: impute and scale are for numbers"}),
    [](const auto& one) { return one.param.name; });

class BadFittedJson : public testing::TestWithParam<BadText> {};

TEST_P(BadFittedJson, IsRefusedWithItsPlace) {
  const auto json =
      ParseJson(R"({"format": "forkcast.transforms", "format_version": 1, "features": [)" +
                GetParam().text + "]}");
  EXPECT_THAT(SpecErrorOf([&] { (void)FittedTransforms::FromJson(JsonNode(json)); }),
              StartsWith("$.features[0]" + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadFittedJson,
    testing::Values(
        BadText{"UnknownKind", R"({"name": "x", "kind": "date"})",
                ".kind: expected number or category"},
        BadText{"MeanWithoutDeviation", R"({"name": "x", "kind": "number", "mean": 1})",
                ": missing key \"deviation\""},
        BadText{"NoSpread", R"({"name": "x", "kind": "number", "mean": 1, "deviation": 0})",
                ".deviation: expected a number"},
        BadText{"CategoriesOutOfOrder",
                R"({"name": "x", "kind": "category", "encoding": "ordinal", "unknown": "missing",
                    "categories": ["b", "a"]})",
                ".categories[1]: out of order"},
        BadText{"AMeanTooFew",
                R"({"name": "x", "kind": "category", "encoding": "target_mean",
                    "unknown": "missing", "categories": ["a", "b"], "means": [1],
                    "overall_mean": 1})",
                ".means: expected a mean for each category"},
        BadText{"MeansOfAnother",
                R"({"name": "x", "kind": "category", "encoding": "one_hot", "unknown": "missing",
                    "categories": ["a"], "means": [1]})",
                ".means: only target_mean has them"},
        BadText{"AnUnknownReading", R"({"name": "x", "kind": "number", "reading": {"as": "text"}})",
                ".reading.as: expected one of rank, whole"},
        BadText{"CutsOutOfOrder",
                R"({"name": "x", "kind": "number", "reading": {"as": "rank", "cuts": [1, 1]}})",
                ".reading.cuts[1]: out of order"},
        BadText{"CutsOfAWholeNumber",
                R"({"name": "x", "kind": "number", "reading": {"as": "whole", "cuts": [1]}})",
                ".reading.cuts: only \"as\": \"rank\" has them"},
        BadText{"AReadingThatIsScaled",
                R"({"name": "x", "kind": "number", "mean": 1, "deviation": 1,
                    "reading": {"as": "whole"}})",
                ".reading: a number that is scaled has none"}),
    [](const auto& one) { return one.param.name; });

// ---- what a model that was trained elsewhere reads ----

struct ReadingCase {
  const char* name;
  const char* reading;  ///< Members of the feature.
  Value value;
  float read;

  friend std::ostream& operator<<(std::ostream& out, const ReadingCase& one) {
    return out << one.name;
  }
};

class NumberReading : public testing::TestWithParam<ReadingCase> {};

TEST_P(NumberReading, Gives) {
  const std::string feature =
      std::string(R"({"name": "x", "kind": "number", )") + GetParam().reading + "}";
  const auto json = ParseJson(
      R"({"format": "forkcast.transforms", "format_version": 1, "features": [)" + feature + "]}");
  const FittedTransforms transforms = FittedTransforms::FromJson(JsonNode(json));
  EXPECT_EQ(FittedTransforms::FromJson(JsonNode(transforms.ToJson())), transforms);
  float read = 0;
  const std::vector<Value> row{GetParam().value};
  const std::vector<std::size_t> positions{0};
  ASSERT_TRUE(transforms.TransformRow(row, positions, {&read, 1}));
  if (std::isnan(GetParam().read)) {
    EXPECT_TRUE(std::isnan(read)) << read;
  } else {
    EXPECT_EQ(read, GetParam().read);
  }
}

constexpr const char* kRank = R"("reading": {"as": "rank", "cuts": [0.1, 0.25]})";
constexpr const char* kZeroIsMissing =
    R"("reading": {"as": "rank", "cuts": [-1, 1], "zero_width": 0.5, "zero_is_missing": true})";
constexpr const char* kFilled = R"("fill": 0.2, "reading": {"as": "rank", "cuts": [0.1, 0.25]})";
constexpr const char* kWhole = R"("reading": {"as": "whole"})";

INSTANTIATE_TEST_SUITE_P(
    Cases, NumberReading,
    testing::Values(
        ReadingCase{"NoneOfTheCutsBelow", kRank, 0.1, 0},
        ReadingCase{"OneBelowWhereAFloatWouldNotTell", kRank, std::nextafter(0.1, 1.0), 1},
        ReadingCase{"AllOfThemBelow", kRank, std::int64_t{7}, 2},
        ReadingCase{"AllOfThemBelowTrue", kRank, true, 2},
        ReadingCase{"NothingOfNothing", kRank, Value(), std::numeric_limits<float>::quiet_NaN()},
        ReadingCase{"TheRankOfTheFill", kFilled, Value(), 1},
        ReadingCase{"NothingOfZero", kZeroIsMissing, 0.0, std::numeric_limits<float>::quiet_NaN()},
        ReadingCase{"NothingOfNearlyZero", kZeroIsMissing, -0.5,
                    std::numeric_limits<float>::quiet_NaN()},
        ReadingCase{"TheRankOfASmallNumber", kZeroIsMissing, 0.51, 1},
        ReadingCase{"TheWholePart", kWhole, 3.9, 3}, ReadingCase{"ZeroOfAHalf", kWhole, -0.5, 0}),
    [](const auto& one) { return one.param.name; });

TEST(FittedTransforms, RefuseWhatIsNoIntegerWhereOneIsRead) {
  const auto json =
      ParseJson(R"({"format": "forkcast.transforms", "format_version": 1, "features": [
    {"name": "x", "kind": "number", "reading": {"as": "integer"}}]})");
  const FittedTransforms transforms = FittedTransforms::FromJson(JsonNode(json));
  const std::vector<std::size_t> positions{0};
  std::vector<float> out(1);
  for (const Value& odd : {Value(), Value(0.5), Value(NAN), Value(HUGE_VAL), Value(0x1p25)}) {
    const Status read = transforms.TransformRow(std::vector<Value>{odd}, positions, out);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().field, "x");
    EXPECT_THAT(read.error().message, StartsWith("expected a whole number from -16777216"));
  }
  ASSERT_TRUE(transforms.TransformRow(std::vector<Value>{-7.0}, positions, out));
  EXPECT_EQ(out[0], -7);
}

TEST(FittedTransforms, HoldADoubleInThreeColumns) {
  const auto json =
      ParseJson(R"({"format": "forkcast.transforms", "format_version": 1, "features": [
    {"name": "x", "kind": "number", "reading": {"as": "parts", "zero_width": 1e-35}},
    {"name": "y", "kind": "number"}]})");
  const FittedTransforms transforms = FittedTransforms::FromJson(JsonNode(json));
  EXPECT_EQ(FittedTransforms::FromJson(JsonNode(transforms.ToJson())), transforms);
  EXPECT_THAT(transforms.outputs(), ElementsAre("x:high", "x:middle", "x:low", "y"));
  EXPECT_EQ(transforms.InputOf(2), 0U);
  EXPECT_EQ(transforms.InputOf(3), 1U);
  const std::vector<std::size_t> positions{0, 1};
  const auto read = [&](const Value& x) {
    std::vector<float> out(transforms.outputs().size());
    EXPECT_TRUE(transforms.TransformRow(std::vector<Value>{x, 7.0}, positions, out));
    EXPECT_EQ(out[3], 7);
    return JoinDouble(std::span(out).first<kDoubleParts>());
  };
  EXPECT_EQ(read(0.1), 0.1);
  EXPECT_EQ(read(-1e300), -1e300);
  EXPECT_EQ(read(std::int64_t{1} << 53), 0x1p53);
  EXPECT_EQ(read(1e-36), 0);
  EXPECT_TRUE(std::isnan(read(Value())));
}

}  // namespace
}  // namespace forkcast::model
