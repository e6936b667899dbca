#include "model/linear/linear_explainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/random.hpp"
#include "model/predict/published_kinds.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::model {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

/// 10 + 2 (b - 4) / 3, of a, b and c.
LinearSource OneInput() {
  return {.algorithm = "ridge",
          .features = {"a", "b", "c"},
          .is_scaled = true,
          .inputs = {{.feature = 1, .mean = 4, .deviation = 3}},
          .polynomial = {},
          .outputs = {{.intercept = 10, .coefficients = {2}}}};
}

std::vector<double> Explain(const LinearSource& source, const std::vector<float>& row,
                            std::size_t margin = 0) {
  const LinearModel model(source);
  const LinearExplainer explainer(model);
  ExplainScratch scratch;
  std::vector<double> contributions(source.features.size());
  explainer.Explain(row, margin, scratch, contributions);
  return contributions;
}

double BaseOf(const LinearSource& source) {
  const LinearModel model(source);
  return LinearExplainer(model).base(0);
}

TEST(LinearReasons, OfAnInputAreItsCoefficientTimesItsDistanceFromTheMean) {
  EXPECT_EQ(BaseOf(OneInput()), 10);
  EXPECT_THAT(Explain(OneInput(), {99, 7, -99}), ElementsAre(0, 2, 0));
  EXPECT_THAT(Explain(OneInput(), {99, 1, -99}), ElementsAre(0, -2, 0));
}

TEST(LinearReasons, OfInputsThatAreNotScaledAreMeasuredFromTheMeanToo) {
  LinearSource source = OneInput();
  source.is_scaled = false;
  EXPECT_EQ(BaseOf(source), 18);
  EXPECT_THAT(Explain(source, {0, 7, 0}), ElementsAre(0, 6, 0));
}

TEST(LinearReasons, OfAProductOfTwoAreEachsChangeTimesTheMiddleOfTheOther) {
  const LinearSource source{.algorithm = "ridge",
                            .features = {"price", "promotion"},
                            .inputs = {{.feature = 0, .mean = 10}, {.feature = 1, .mean = 1}},
                            .polynomial = {.degree = 2, .interaction_only = true},
                            .outputs = {{.intercept = 0, .coefficients = {0, 0, 1}}}};
  EXPECT_EQ(BaseOf(source), 10);
  // 12 * 3 - 10 * 1 = 26 = 2 * (3 + 1) / 2 + 2 * (12 + 10) / 2
  EXPECT_THAT(Explain(source, {12, 3}), ElementsAre(DoubleNear(4, 1e-12), DoubleNear(22, 1e-12)));
}

// ---- the oracle: Shapley values as they are defined, over all sets of inputs ----

/// The sum of an output, before the link.
class Sums {
 public:
  Sums(LinearSource source, std::size_t margin) : model_(WithoutLink(std::move(source), margin)) {}

  [[nodiscard]] double Of(const std::vector<float>& row) const {
    double sum = 0;
    model_.Predict(row, std::span(&sum, 1));
    return sum;
  }
  /// Those features that are not in `known` (bits) have their means.
  [[nodiscard]] double Knowing(std::vector<float> row, unsigned known) const {
    for (const LinearInput& input : model_.source().inputs) {
      if ((known >> input.feature & 1U) == 0) row[input.feature] = static_cast<float>(input.mean);
    }
    return Of(row);
  }

 private:
  static LinearSource WithoutLink(LinearSource source, std::size_t margin) {
    source.link = LinearLink::kIdentity;
    source.outputs = {source.outputs[margin]};
    return source;
  }

  LinearModel model_;
};

/// Shapley 1953: over all orders in which features become known, the mean of what each changes.
std::vector<double> ShapleyValues(const Sums& sums, const std::vector<float>& row) {
  const std::size_t features = row.size();
  std::vector<double> knowing;
  for (unsigned known = 0; known < 1U << features; ++known) {
    knowing.push_back(sums.Knowing(row, known));
  }
  std::vector<double> values(features);
  for (unsigned known = 0; known < knowing.size(); ++known) {
    const auto count = static_cast<double>(std::popcount(known));
    const double share = std::tgamma(count + 1) *
                         std::tgamma(static_cast<double>(features) - count) /
                         std::tgamma(static_cast<double>(features) + 1);
    for (std::size_t i = 0; i < features; ++i) {
      if ((known >> i & 1U) == 0) values[i] += share * (knowing[known | 1U << i] - knowing[known]);
    }
  }
  return values;
}

struct Shape {
  const char* name;
  bool is_scaled = false;
  Polynomial polynomial{};
  LinearLink link = LinearLink::kIdentity;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

/// Of six features, one of which is not chosen.
LinearSource SourceOf(const Shape& shape, std::mt19937_64& engine) {
  const auto draw = [&engine] { return static_cast<double>(DrawBelow(engine, 64)) / 16 - 2; };
  LinearSource source{.algorithm = "ridge",
                      .link = shape.link,
                      .features = {"a", "b", "c", "d", "e", "f"},
                      .is_scaled = shape.is_scaled,
                      .inputs = {},
                      .polynomial = shape.polynomial,
                      .outputs = {}};
  for (const std::uint32_t feature : {0U, 1U, 2U, 4U, 5U}) {
    source.inputs.push_back({.feature = feature, .mean = draw(), .deviation = 3 + draw()});
  }
  const std::size_t terms = CountTerms(source.inputs.size(), source.polynomial);
  source.outputs.resize(shape.link == LinearLink::kSoftmax ? 3 : 1);
  for (LinearOutput& output : source.outputs) {
    output.intercept = draw();
    for (std::size_t i = 0; i < terms; ++i) output.coefficients.push_back(draw());
  }
  return source;
}

class LinearReasonsOf : public testing::TestWithParam<Shape> {};

TEST_P(LinearReasonsOf, AreShapleyValuesThatAddUp) {
  std::mt19937_64 engine(3);
  const LinearSource source = SourceOf(GetParam(), engine);
  const LinearModel model(source);
  const LinearExplainer explainer(model);
  ExplainScratch scratch;
  for (std::size_t margin = 0; margin < source.outputs.size(); ++margin) {
    const Sums sums(source, margin);
    for (int i = 0; i < 20; ++i) {
      std::vector<float> row;
      for (int j = 0; j < 6; ++j) row.push_back(static_cast<float>(DrawBelow(engine, 64)) / 8 - 4);
      std::vector<double> contributions(6);
      explainer.Explain(row, margin, scratch, contributions);
      EXPECT_THAT(contributions, Pointwise(DoubleNear(1e-7), ShapleyValues(sums, row)));
      EXPECT_NEAR(
          std::accumulate(contributions.begin(), contributions.end(), explainer.base(margin)),
          sums.Of(row), 1e-8);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LinearReasonsOf,
    testing::Values(
        Shape{.name = "Inputs"}, Shape{.name = "ScaledInputs", .is_scaled = true},
        Shape{.name = "ProductsOfTwo", .polynomial = {.degree = 2}},
        Shape{.name = "ScaledProductsOfThree", .is_scaled = true, .polynomial = {.degree = 3}},
        Shape{.name = "ProductsOfFiveDifferentOnes",
              .polynomial = {.degree = 5, .interaction_only = true}},
        Shape{.name = "LogOdds",
              .is_scaled = true,
              .polynomial = {.degree = 2},
              .link = LinearLink::kSigmoid},
        Shape{.name = "Classes", .link = LinearLink::kSoftmax}),
    [](const auto& param) { return std::string(param.param.name); });

struct Scaled {
  const char* name;
  LinearLink link;
  MarginScale scale;
};

void PrintTo(const Scaled& one, std::ostream* out) { *out << one.name; }

class LinearScale : public testing::TestWithParam<Scaled> {};

TEST_P(LinearScale, IsThatOfTheSumBeforeTheLink) {
  std::mt19937_64 engine(1);
  const ScoringModel scoring =
      ScoringOf(LinearModel(SourceOf({.name = "", .link = GetParam().link}, engine)));
  ASSERT_NE(scoring.explainer, nullptr);
  EXPECT_EQ(scoring.explainer->scale(), GetParam().scale);
  EXPECT_EQ(scoring.explainer->margin_count(), scoring.model->outputs().size());
  EXPECT_EQ(scoring.explainer->input_count(), 6U);
  EXPECT_GT(scoring.explainer->cost(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Links, LinearScale,
    testing::Values(Scaled{"Identity", LinearLink::kIdentity, MarginScale::kOutput},
                    Scaled{"Sigmoid", LinearLink::kSigmoid, MarginScale::kLogOdds},
                    Scaled{"Softmax", LinearLink::kSoftmax, MarginScale::kRaw}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(LinearReasons, AllocateNothingForTheSecondRow) {
  std::mt19937_64 engine(1);
  const LinearModel model(SourceOf({.name = "", .polynomial = {.degree = 3}}, engine));
  const LinearExplainer explainer(model);
  ExplainScratch scratch;
  const std::vector<float> row{1, 2, 3, 4, 5, 6};
  std::vector<double> contributions(6);
  explainer.Explain(row, 0, scratch, contributions);
  const std::size_t before = AllocationCount();
  explainer.Explain(row, 0, scratch, contributions);
  EXPECT_EQ(AllocationCount(), before);
}

}  // namespace
}  // namespace forkcast::model
