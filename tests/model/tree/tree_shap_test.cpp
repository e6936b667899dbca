#include "model/tree/tree_shap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"
#include "model/tree/shap_compiler.hpp"
#include "support/allocation_counter.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

// ---- the oracle: Shapley values as they are defined, over all sets of features ----

/// The mean leaf when only the features of `known` (bits) are: at others a row goes both ways.
double MeanLeaf(const ForestSource::Tree& tree, std::uint32_t at, std::span<const float> row,
                unsigned known) {
  const ForestSource::Node& node = tree.nodes[at];
  if (node.is_leaf()) return double{node.value};
  if ((known >> node.feature & 1U) != 0) {
    const bool right = GoesRight(tree, node, row[node.feature]);
    return MeanLeaf(tree, right ? node.right : node.left, row, known);
  }
  const double left = double{tree.nodes[node.left].weight};
  const double right = double{tree.nodes[node.right].weight};
  const double share = left + right > 0 ? left / (left + right) : 0.5;
  return share * MeanLeaf(tree, node.left, row, known) +
         (1 - share) * MeanLeaf(tree, node.right, row, known);
}

double MeanMargin(const ForestSource& forest, std::size_t margin, std::span<const float> row,
                  unsigned known) {
  double sum = double{forest.base_margins[margin]};
  for (const ForestSource::Tree& tree : forest.trees) {
    if (tree.margin == margin) sum += MeanLeaf(tree, 0, row, known);
  }
  return sum;
}

/// Shapley 1953: over all orders in which features become known, the mean of what each changes.
std::vector<double> ShapleyValues(const ForestSource& forest, std::size_t margin,
                                  std::span<const float> row) {
  const std::size_t features = forest.features.size();
  std::vector<double> means;
  for (unsigned known = 0; known < 1U << features; ++known) {
    means.push_back(MeanMargin(forest, margin, row, known));
  }
  std::vector<double> values(features);
  for (unsigned known = 0; known < means.size(); ++known) {
    const auto count = static_cast<double>(std::popcount(known));
    const double share = std::tgamma(count + 1) *
                         std::tgamma(static_cast<double>(features) - count) /
                         std::tgamma(static_cast<double>(features) + 1);
    for (std::size_t i = 0; i < features; ++i) {
      if ((known >> i & 1U) == 0) values[i] += share * (means[known | 1U << i] - means[known]);
    }
  }
  return values;
}

TreeShap ShapOf(const ForestSource& forest, const ShapKernel& kernel = ShapKernels().front()) {
  Result<TreeShap> shap = TreeShap::FromBytes(CompileShap(forest), kernel);
  EXPECT_TRUE(shap) << shap.error().message;
  return *std::move(shap);
}

class ExplainedForest : public testing::TestWithParam<ForestShape> {
 protected:
  /// One a kernel.
  static std::vector<TreeShap> Shaps(const ForestSource& forest) {
    std::vector<TreeShap> shaps;
    for (const ShapKernel& kernel : ShapKernels()) shaps.push_back(ShapOf(forest, kernel));
    return shaps;
  }
};

TEST_P(ExplainedForest, IsExplainedByShapleyValuesWhateverTheKernel) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    const ForestSource forest = ForestMaker(GetParam(), seed).Make();
    const std::size_t features = forest.features.size();
    const std::vector<TreeShap> shaps = Shaps(forest);
    const std::vector<float> rows = RowsFor(forest, 12, seed);
    ExplainScratch scratch;
    std::vector<double> contributions(features);
    for (std::size_t i = 0; i < 12 * forest.base_margins.size(); ++i) {
      const std::size_t margin = i % forest.base_margins.size();
      const auto row = std::span(rows).subspan(i / forest.base_margins.size() * features, features);
      const std::vector<double> expected = ShapleyValues(forest, margin, row);
      for (const TreeShap& shap : shaps) {
        ASSERT_EQ(shap.input_count(), features);
        ASSERT_EQ(shap.margin_count(), forest.base_margins.size());
        shap.Explain(row, margin, scratch, contributions);
        EXPECT_THAT(contributions, testing::Pointwise(testing::DoubleNear(1e-6), expected));
        EXPECT_NEAR(shap.base(margin), MeanMargin(forest, margin, row, 0), 1e-6);
      }
    }
  }
}

/// What a file holds of shares is rounded to floats; what a row adds up to is not.
TEST_P(ExplainedForest, AddsUpToItsMarginsWhateverTheKernel) {
  const ForestSource forest = ForestMaker(GetParam(), 7).Make();
  const std::vector<float> rows = RowsFor(forest, 200, 7);
  ExplainScratch scratch;
  std::vector<double> contributions(forest.features.size());
  for (const TreeShap& shap : Shaps(forest)) {
    for (std::size_t i = 0; i < 200; ++i) {
      const auto row = std::span(rows).subspan(i * forest.features.size(), forest.features.size());
      for (std::size_t margin = 0; margin < shap.margin_count(); ++margin) {
        shap.Explain(row, margin, scratch, contributions);
        double exact = double{forest.base_margins[margin]};
        for (const ForestSource::Tree& tree : forest.trees) {
          if (tree.margin == margin) exact += double{LeafOf(tree, row)};
        }
        EXPECT_NEAR(std::accumulate(contributions.begin(), contributions.end(), shap.base(margin)),
                    exact, 1e-11);
      }
    }
  }
}

TEST_P(ExplainedForest, IsExplainedAlikeByAllKernels) {
  const ForestSource forest = ForestMaker(GetParam(), 11).Make();
  const std::vector<float> rows = RowsFor(forest, 100, 11);
  const std::size_t features = forest.features.size();
  const std::vector<TreeShap> shaps = Shaps(forest);
  ExplainScratch scratch;
  std::vector<double> expected(features);
  std::vector<double> contributions(features);
  for (std::size_t i = 0; i < 100; ++i) {
    const auto row = std::span(rows).subspan(i * features, features);
    shaps.back().Explain(row, 0, scratch, expected);
    for (const TreeShap& shap : shaps) {
      shap.Explain(row, 0, scratch, contributions);
      ASSERT_EQ(contributions, expected) << "bit for bit";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ExplainedForest,
    testing::Values(
        ForestShape{.name = "ALeaf", .trees = 1, .features = 1, .depth = 0},
        ForestShape{.name = "AStump", .trees = 1, .features = 1, .depth = 1},
        ForestShape{.name = "OneFeatureAskedOverAndOver", .features = 1, .depth = 6},
        ForestShape{.name = "FewFeaturesRepeatedOnAPath", .features = 3, .depth = 9},
        ForestShape{.name = "TreesOfDifferentShapes",
                    .trees = 19,
                    .features = 5,
                    .depth = 8,
                    .leaf_share = 0.4},
        ForestShape{.name = "AsManyFeaturesAsLevels", .features = 6, .depth = 6, .leaf_share = 0},
        ForestShape{.name = "MoreFeaturesThanPointsAtOnce", .trees = 4, .features = 10, .depth = 9},
        ForestShape{.name = "Categories", .features = 5, .category_share = 0.6},
        ForestShape{.name = "Classes", .features = 4, .margins = 3, .link = Link::kSoftmax}),
    [](const auto& param) { return std::string(param.param.name); });

ForestSource SomeForest() {
  return ForestMaker({.trees = 20, .features = 5, .depth = 5, .category_share = 0.3}, 1).Make();
}

TEST(TreeShap, OfATestAboveALeafIsTheDifferenceToTheMean) {
  ForestSource forest;
  forest.features = {"promotion", "price"};
  forest.base_margins = {10};
  forest.trees.emplace_back().nodes = {{.value = 0.5F, .feature = 0, .left = 1, .right = 2},
                                       {.value = 4, .weight = 3},
                                       {.value = 8, .weight = 1}};
  const TreeShap shap = ShapOf(forest);
  EXPECT_EQ(shap.base(0), 15);  // 10 + (3 * 4 + 1 * 8) / 4
  ExplainScratch scratch;
  std::vector<double> contributions(2);
  shap.Explain(std::vector<float>{1, 99}, 0, scratch, contributions);
  EXPECT_THAT(contributions, testing::ElementsAre(3, 0));
  shap.Explain(std::vector<float>{0, 99}, 0, scratch, contributions);
  EXPECT_THAT(contributions, testing::ElementsAre(-1, 0));
}

/// A chain of tests, each of a feature of its own: more points than fit a table by hand.
TEST(TreeShap, OfAPathOfManyFeaturesAddsUp) {
  constexpr std::uint32_t kTests = 150;
  ForestSource forest;
  forest.base_margins = {0};
  ForestSource::Tree tree;
  for (std::uint32_t i = 0; i < kTests; ++i) {
    forest.features.push_back("feature " + std::to_string(i));
    tree.nodes.push_back({.value = 0.5F,
                          .feature = i,
                          .left = 2 * i + 1,
                          .right = 2 * i + 2,
                          .weight = static_cast<float>(2 * (kTests - i) + 1)});
    tree.nodes.push_back({.value = static_cast<float>(i % 7), .weight = 2});
  }
  tree.nodes.push_back({.value = 100, .weight = 1});
  forest.trees.push_back(tree);
  const TreeShap shap = ShapOf(forest);
  const std::vector<float> row(kTests, 1);  // down to the last leaf
  ExplainScratch scratch;
  std::vector<double> contributions(kTests);
  shap.Explain(row, 0, scratch, contributions);
  EXPECT_NEAR(std::accumulate(contributions.begin(), contributions.end(), shap.base(0)), 100, 1e-9);
}

TEST(TreeShap, AllocatesNothingForTheSecondRow) {
  const ForestSource forest = SomeForest();
  const std::vector<float> rows = RowsFor(forest, 50, 2);
  std::vector<double> contributions(forest.features.size());
  for (const ShapKernel& kernel : ShapKernels()) {
    const TreeShap shap = ShapOf(forest, kernel);
    ExplainScratch scratch;
    const auto explain = [&](std::size_t row) {
      shap.Explain(std::span(rows).subspan(row * 5, 5), 0, scratch, contributions);
    };
    explain(0);
    const std::size_t before = AllocationCount();
    for (std::size_t row = 1; row < 50; ++row) explain(row);
    EXPECT_EQ(AllocationCount(), before) << kernel.name;
  }
}

/// Each seven tests, in chains that lead left in one tree and right in the other.
TEST(ShapFile, LaysTreesOfDifferentShapesOverEachOther) {
  ForestSource forest{.features = {"a"}, .base_margins = {0}};
  for (const bool leads_right : {false, true}) {
    ForestSource::Tree tree;
    for (std::uint32_t i = 0; i < 7; ++i) {
      const std::uint32_t leaf = 2 * i + 1;
      const std::uint32_t next = 2 * i + 2;
      tree.nodes.push_back(
          {.left = leads_right ? leaf : next, .right = leads_right ? next : leaf, .weight = 1});
      tree.nodes.push_back({.weight = 1});
    }
    tree.nodes.push_back({.weight = 1});
    forest.trees.push_back(tree);
  }
  shap_format::Header header;
  std::memcpy(&header, CompileShap(forest).data(), sizeof header);
  EXPECT_EQ(header.group_count, 1U);
  EXPECT_EQ(header.place_count, 7U);
}

TEST(ShapFile, IsTheSameForTheSameForest) {
  EXPECT_TRUE(CompileShap(SomeForest()) == CompileShap(SomeForest()));
}

TEST(ShapFile, IsMappedAndExplainsAsItsBytes) {
  const preprocessing::TempFolder folder;
  const ForestSource forest = SomeForest();
  const Result<TreeShap> opened = TreeShap::Open(folder.Write("1.shap", CompileShap(forest)));
  ASSERT_TRUE(opened) << opened.error().message;
  const std::vector<float> row = RowsFor(forest, 1, 3);
  ExplainScratch scratch;
  std::vector<double> of_file(5);
  std::vector<double> of_bytes(5);
  opened->Explain(row, 0, scratch, of_file);
  ShapOf(forest).Explain(row, 0, scratch, of_bytes);
  EXPECT_EQ(of_file, of_bytes);
}

TEST(ShapFile, WithAnyBitFlippedIsRefused) {
  const std::string bytes = CompileShap(SomeForest());
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 13) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(TreeShap::FromBytes(damaged)) << "bit " << bit;
  }
}

TEST(ShapFile, CutShortAnywhereIsRefused) {
  const std::string bytes = CompileShap(SomeForest());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 20) {
    EXPECT_FALSE(TreeShap::FromBytes(bytes.substr(0, size))) << size << " bytes";
  }
}

/// With its checksum made right again, as nobody's mistake but anybody's malice would.
std::string Sign(std::string bytes) {
  const auto checksum = shap_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data() + offsetof(shap_format::Header, checksum), checksum.data(),
              checksum.size());
  return bytes;
}

TEST(ShapFile, WithAnyByteForgedIsRefusedOrLeadsNowhereOutside) {
  const ForestSource forest = SomeForest();
  const std::string bytes = CompileShap(forest);
  const std::vector<float> rows = RowsFor(forest, 4, 5);
  std::mt19937_64 engine(5);
  ExplainScratch scratch;
  for (int i = 0; i < 3000; ++i) {
    std::string forged = bytes;
    const std::size_t at = 40 + DrawBelow(engine, bytes.size() - 40);
    forged[at] = static_cast<char>(DrawBelow(engine, 256));
    forged = Sign(forged);
    for (const ShapKernel& kernel : ShapKernels()) {
      const Result<TreeShap> shap = TreeShap::FromBytes(forged, kernel);
      if (!shap || shap->input_count() != 5) continue;
      std::vector<double> contributions(5);
      for (std::size_t row = 0; row < 4; ++row) {
        shap->Explain(std::span(rows).subspan(row * 5, 5), 0, scratch, contributions);
      }
    }
  }
}

TEST(ShapFile, OfAnotherVersionIsNoDamage) {
  std::string bytes = CompileShap(SomeForest());
  bytes[offsetof(shap_format::Header, version)] = 1;
  const Result<TreeShap> shap = TreeShap::FromBytes(bytes);
  ASSERT_FALSE(shap);
  EXPECT_EQ(shap.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(shap.error().message, testing::HasSubstr("version 1, expected 2"));
}

TEST(ShapFile, ThatIsNotThereIsNamed) {
  const Result<TreeShap> shap = TreeShap::Open("/nowhere/1.shap");
  ASSERT_FALSE(shap);
  EXPECT_EQ(shap.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(shap.error().message, testing::HasSubstr("/nowhere/1.shap"));
}

}  // namespace
}  // namespace forkcast::model
