#include "model/tree/forest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"

namespace forkcast::model {
namespace {

using testing::HasSubstr;

std::vector<double> Predict(const Forest& forest, std::span<const float> rows) {
  std::vector<double> out(rows.size() / forest.inputs().size() * forest.outputs().size());
  forest.Predict(rows, out);
  return out;
}

// ---- against the oracle ----

class AnyForest : public testing::TestWithParam<ForestShape> {
 protected:
  /// Compares every kernel, on rows one by one and together, with the oracle.
  static void Compare(const ForestSource& source, std::size_t row_count) {
    const std::vector<float> rows = RowsFor(source, row_count, 7);
    const std::size_t width = source.features.size();
    std::vector<double> expected;
    for (std::size_t i = 0; i < row_count; ++i) {
      const std::vector<double> answer =
          AnswerOf(source, std::span(rows).subspan(i * width, width));
      expected.insert(expected.end(), answer.begin(), answer.end());
    }
    const std::string bytes = CompileForest(source);
    for (const ForestKernel& kernel : ForestKernels()) {
      SCOPED_TRACE(kernel.name);
      const Result<Forest> forest = Forest::FromBytes(bytes, kernel);
      ASSERT_TRUE(forest) << forest.error().message;
      ExpectSame(Predict(*forest, rows), expected);
      const std::size_t outputs = forest->outputs().size();
      for (std::size_t i = 0; i < std::min<std::size_t>(row_count, 20); ++i) {
        ExpectSame(Predict(*forest, std::span(rows).subspan(i * width, width)),
                   std::span(expected).subspan(i * outputs, outputs));
      }
    }
  }
};

TEST_P(AnyForest, AnswersAsTheOracleDoesWhateverTheKernel) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    Compare(ForestMaker(GetParam(), seed).Make(), 600);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AnyForest,
    testing::Values(
        ForestShape{.name = "OfOneLeaf", .trees = 1, .depth = 0},
        ForestShape{.name = "WithoutTrees", .trees = 0},
        ForestShape{.name = "OfStumps", .trees = 33, .depth = 1},
        ForestShape{.name = "OfFullTiles", .trees = 40, .depth = 6, .leaf_share = 0},
        ForestShape{.name = "OfTilesThatEndEarly", .trees = 70, .depth = 4, .leaf_share = 0.3},
        ForestShape{.name = "OfDeepTrees", .trees = 20, .depth = 30, .leaf_share = 0.45},
        ForestShape{.name = "OfOneFeature", .trees = 20, .features = 1, .depth = 5},
        ForestShape{.name = "Of16Features", .trees = 20, .features = 16, .depth = 5},
        ForestShape{.name = "Of17Features", .trees = 20, .features = 17, .depth = 5},
        ForestShape{.name = "Of33Features", .trees = 20, .features = 33, .depth = 5},
        ForestShape{.name = "Of64Features", .trees = 20, .features = 64, .depth = 7},
        ForestShape{.name = "Of65Features", .trees = 20, .features = 65, .depth = 7},
        ForestShape{.name = "Of300Features", .trees = 20, .features = 300, .depth = 7},
        ForestShape{.name = "OfCategories", .trees = 30, .depth = 6, .category_share = 0.5},
        ForestShape{.name = "OfManyFeaturesAndCategories",
                    .trees = 30,
                    .features = 100,
                    .depth = 6,
                    .category_share = 0.3},
        ForestShape{.name = "OfProbabilities", .link = Link::kSigmoid},
        ForestShape{.name = "OfCounts", .link = Link::kExp},
        ForestShape{.name = "OfRoundedCounts", .link = Link::kRoundedExp},
        ForestShape{.name = "OfHinges", .link = Link::kStep},
        ForestShape{.name = "OfFourClasses", .trees = 40, .margins = 4, .link = Link::kSoftmax},
        ForestShape{
            .name = "OfTheLikeliestClass", .trees = 41, .margins = 4, .link = Link::kGreatest},
        ForestShape{.name = "OfManyTargets", .trees = 90, .margins = 50}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::model
