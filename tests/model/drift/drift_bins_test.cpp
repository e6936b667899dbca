#include "model/drift/drift_bins.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/drift/reference_statistics.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

ordered_json Numbers() {
  return {{"rows", 6}, {"missing", 1}, {"mean", 2},       {"std", 1},
          {"min", 0},  {"max", 4},     {"edges", {1, 2}}, {"counts", {1, 2, 2}}};
}

struct NumberCase {
  const char* name;
  float value;
  std::size_t bin;
};
void PrintTo(const NumberCase& value, std::ostream* out) { *out << value.name; }

class BinOfANumber : public testing::TestWithParam<NumberCase> {};

TEST_P(BinOfANumber, IsThatOfTheReference) {
  const auto bins = BinsOf({.features = {{"x", Numbers()}}, .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  std::vector<std::uint32_t> counts(4);
  BinCounter(bins->front(), counts).CountNumber(GetParam().value);
  std::vector<std::uint32_t> expected(4);
  expected[GetParam().bin] = 1;
  EXPECT_EQ(counts, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Values, BinOfANumber,
    testing::Values(NumberCase{"BelowAll", -5, 0},
                    NumberCase{"JustBelowAnEdge", std::nextafter(1.0F, 0.0F), 0},
                    NumberCase{"OnAnEdge", 1, 1}, NumberCase{"OnTheLastEdge", 2, 2},
                    NumberCase{"AboveAll", 1e30F, 2},
                    NumberCase{"Infinite", std::numeric_limits<float>::infinity(), 2},
                    NumberCase{"Missing", std::numeric_limits<float>::quiet_NaN(), 3}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(BinsOfNumbers, CountWhatTheReferenceCounted) {
  // Deciles of floats are doubles between them: what lies between must fall on the same side.
  std::vector<float> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(std::sin(static_cast<float>(i)) / 3);
  const auto bins =
      BinsOf({.features = {{"x", ReferenceOf(values)}}, .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  std::vector<std::uint32_t> counts(bins->front().reference.size());
  BinCounter counter(bins->front(), counts);
  for (const float value : values) counter.CountNumber(value);
  EXPECT_EQ(std::vector<double>(counts.begin(), counts.end()), bins->front().reference);
}

TEST(BinsOfNumbers, AreOneAndTheMissingOneWhereTheReferenceHadNone) {
  const auto bins = BinsOf(
      {.features = {{"x", {{"rows", 3}, {"missing", 3}}}}, .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  EXPECT_THAT(bins->front().reference, ElementsAre(0, 3));
}

TEST(BinsOfTexts, HaveOneForAllThatTheReferenceHadNot) {
  const auto bins = BinsOf(
      {.features = {{"payment",
                     {{"rows", 10}, {"missing", 1}, {"categories", {{"card", 3}, {"cash", 6}}}}}},
       .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  EXPECT_THAT(bins->front().categories, ElementsAre("cash", "card"));
  EXPECT_THAT(bins->front().reference, ElementsAre(6, 3, 0, 1));
  std::vector<std::uint32_t> counts(4);
  BinCounter counter(bins->front(), counts);
  counter.CountText("card");
  counter.CountText("crypto");
  counter.CountText("");
  counter.CountNumber(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(counts, ElementsAre(0, 1, 2, 1));
}

TEST(BinsOfTexts, KeepTheMostFrequentOfAMillionCategories) {
  ordered_json categories = ordered_json::object();
  for (int i = 0; i < 1'000; ++i) categories[std::to_string(i)] = i;
  const auto bins =
      BinsOf({.features = {{"x", {{"rows", 499'500}, {"missing", 0}, {"categories", categories}}}},
              .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  EXPECT_EQ(bins->front().categories.size(), ColumnBins::kMostCategories);
  EXPECT_EQ(bins->front().categories.front(), "999");
  EXPECT_EQ(bins->front().reference[bins->front().other_bin()], 745.0 * 746 / 2);
}

TEST(BinsOfAReference, AreBoundedInAll) {
  ordered_json features = ordered_json::object();
  for (int i = 0; i < 5'000; ++i) features["x" + std::to_string(i)] = Numbers();
  const auto bins = BinsOf({.features = features, .outputs = ordered_json::object()});
  ASSERT_TRUE(bins) << bins.error().message;
  EXPECT_EQ(bins->size(), kMostBins / 4);
}

struct WrongReference {
  const char* name;
  ordered_json column;
  const char* message;
};
void PrintTo(const WrongReference& value, std::ostream* out) { *out << value.name; }

class BinsOfAWrongReference : public testing::TestWithParam<WrongReference> {};

TEST_P(BinsOfAWrongReference, AreRefusedNamingTheColumn) {
  const auto bins =
      BinsOf({.features = {{"x", GetParam().column}}, .outputs = ordered_json::object()});
  ASSERT_FALSE(bins);
  EXPECT_EQ(bins.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(bins.error().message, HasSubstr(GetParam().message));
}

ordered_json With(const char* member, ordered_json value) {
  ordered_json column = Numbers();
  column[member] = std::move(value);
  return column;
}

INSTANTIATE_TEST_SUITE_P(
    Wrong, BinsOfAWrongReference,
    testing::Values(WrongReference{"TooFewCounts", With("counts", {1, 2}),
                                   "features.x.counts: expected one more"},
                    WrongReference{"TextAsEdge", With("edges", {"a", 2}), "features.x.edges[0]"},
                    WrongReference{"NegativeCount", With("missing", -1), "features.x.missing"},
                    WrongReference{"TooManyEdges", With("edges", std::vector<int>(16, 1)),
                                   "features.x.edges: expected at most 15"}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace forkcast::model
