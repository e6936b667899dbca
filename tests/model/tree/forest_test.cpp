#include "model/tree/forest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_format.hpp"
#include "model/tree/forest_testing.hpp"
#include "support/allocation_counter.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

using testing::ElementsAre;
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
        ForestShape{.name = "OfManyTargets", .trees = 90, .margins = 50},
        ForestShape{.name = "OfDoubles", .doubles = true},
        ForestShape{.name = "OfDoublesWithoutTrees", .trees = 0, .doubles = true},
        ForestShape{.name = "OfDoublesAndCategories",
                    .features = 40,
                    .category_share = 0.5,
                    .doubles = true},
        ForestShape{.name = "OfDeepTreesOfDoubles",
                    .trees = 20,
                    .depth = 30,
                    .leaf_share = 0.45,
                    .doubles = true},
        ForestShape{.name = "OfProbabilitiesInDouble", .link = Link::kSigmoid, .doubles = true},
        ForestShape{.name = "OfCountsInDouble", .link = Link::kExp, .doubles = true},
        ForestShape{.name = "OfLogarithmsInDouble", .link = Link::kLogOnePlusExp, .doubles = true},
        ForestShape{.name = "OfSquaresInDouble", .link = Link::kSignedSquare, .doubles = true},
        ForestShape{.name = "OfFourClassesInDouble",
                    .trees = 40,
                    .margins = 4,
                    .link = Link::kSoftmax,
                    .doubles = true}),
    [](const auto& param) { return std::string(param.param.name); });

// ---- outputs ----

TEST(Forest, HasItsFeaturesAsInputsAndAScoreAMargin) {
  const ForestShape shape{.features = 2, .margins = 3};
  const Forest several = *Forest::FromBytes(CompileForest(ForestMaker(shape, 1).Make()));
  EXPECT_THAT(several.inputs(), ElementsAre(InputColumn{"feature 0", InputType::kNumber, {}},
                                            InputColumn{"feature 1", InputType::kNumber, {}}));
  EXPECT_THAT(several.outputs(), ElementsAre(OutputColumn{"score.0", OutputType::kNumber, {}},
                                             OutputColumn{"score.1", OutputType::kNumber, {}},
                                             OutputColumn{"score.2", OutputType::kNumber, {}}));
  const Forest one = *Forest::FromBytes(CompileForest(ForestMaker({.margins = 1}, 1).Make()));
  EXPECT_THAT(one.outputs(), ElementsAre(OutputColumn{"score", OutputType::kNumber, {}}));
  const ForestShape greatest{.margins = 3, .link = Link::kGreatest};
  const Forest likeliest = *Forest::FromBytes(CompileForest(ForestMaker(greatest, 1).Make()));
  EXPECT_THAT(likeliest.outputs(), ElementsAre(OutputColumn{"score", OutputType::kNumber, {}}));
}

TEST(Forest, SharesTheNamesOfInputsThatOthersHaveToo) {
  const std::string bytes = CompileForest(ForestMaker({.features = 3}, 1).Make());
  Forest first = *Forest::FromBytes(bytes);
  Forest second = *Forest::FromBytes(bytes);
  EXPECT_NE(first.inputs().data(), second.inputs().data());
  InputPool pool;
  first.ShareInputs(pool);
  second.ShareInputs(pool);
  EXPECT_EQ(first.inputs().data(), second.inputs().data());
}

TEST(Forest, AllocatesNothingToPredict) {
  const ForestSource source = ForestMaker({.trees = 100, .margins = 3}, 1).Make();
  const std::vector<float> rows = RowsFor(source, 300, 1);
  std::vector<double> out(900);
  for (const ForestKernel& kernel : ForestKernels()) {
    const Forest forest = *Forest::FromBytes(CompileForest(source), kernel);
    const std::size_t before = AllocationCount();
    forest.Predict(rows, out);
    EXPECT_EQ(AllocationCount(), before) << kernel.name;
  }
}

TEST(Forest, OfManyRowsIsAnsweredAsRowByRowWhereTreesAreTakenOneByOne) {
  const ForestShape shape{.trees = 100, .features = 20, .depth = 12, .leaf_share = 0.1};
  for (const double categories : {0.0, 0.2}) {
    ForestShape one = shape;
    one.category_share = categories;
    const ForestSource source = ForestMaker(one, 5).Make();
    const std::vector<float> rows = RowsFor(source, 333, 5);
    const std::string bytes = CompileForest(source);
    ASSERT_GT(bytes.size(), std::size_t{1} << 20U);
    for (const ForestKernel& kernel : ForestKernels()) {
      SCOPED_TRACE(kernel.name);
      const Forest forest = *Forest::FromBytes(bytes, kernel);
      std::vector<double> row_by_row(333);
      for (std::size_t i = 0; i < 333; ++i) {
        forest.Predict(std::span(rows).subspan(i * 20, 20), std::span(row_by_row).subspan(i, 1));
      }
      ExpectSame(Predict(forest, rows), row_by_row);
    }
  }
}

// ---- files ----

/// Small, with tests of numbers and categories, tiles below tiles, and leaves inside and outside of
/// tiles.
ForestSource SmallForest() {
  return ForestMaker(
             {.trees = 3, .features = 3, .depth = 6, .leaf_share = 0.2, .category_share = 0.3}, 4)
      .Make();
}

/// With the checksum that fits.
std::string Sealed(std::string bytes) {
  const auto checksum = forest_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data() + offsetof(forest_format::Header, checksum), checksum.data(),
              checksum.size());
  return bytes;
}

TEST(ForestFile, IsTheSameForTheSameSource) {
  EXPECT_EQ(CompileForest(SmallForest()), CompileForest(SmallForest()));
}

TEST(ForestFile, IsAnsweredAsItsBytes) {
  const preprocessing::TempFolder folder;
  const std::string bytes = CompileForest(SmallForest());
  const Result<Forest> mapped = Forest::Open(folder.Write("small.forest", bytes));
  ASSERT_TRUE(mapped) << mapped.error().message;
  EXPECT_TRUE(mapped->bytes() == bytes);
  EXPECT_EQ(mapped->tree_count(), 3U);
  const std::vector<float> rows = RowsFor(SmallForest(), 100, 1);
  ExpectSame(Predict(*mapped, rows), Predict(*Forest::FromBytes(bytes), rows));
}

TEST(ForestFile, WithAnyBitFlippedIsRefused) {
  std::string bytes = CompileForest(SmallForest());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 7}) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      ASSERT_FALSE(Forest::FromBytes(bytes)) << "byte " << i;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
  }
  EXPECT_TRUE(Forest::FromBytes(bytes));
}

TEST(ForestFile, CutShortAnywhereIsRefused) {
  const std::string bytes = CompileForest(SmallForest());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Result<Forest> forest = Forest::FromBytes(bytes.substr(0, size));
    ASSERT_FALSE(forest) << size;
    ASSERT_EQ(forest.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(Forest::FromBytes(bytes + '\0'));
}

TEST(ForestFile, WithAnyByteForgedIsRefusedOrLeadsNowhereOutside) {
  const std::string bytes = CompileForest(SmallForest());
  const std::vector<float> rows = RowsFor(SmallForest(), 8, 2);
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int change : {1, 0x10, 0x80, 0xFF}) {
      std::string forged = bytes;
      forged[i] = static_cast<char>(forged[i] ^ change);
      forged = Sealed(std::move(forged));
      for (const ForestKernel& kernel : ForestKernels()) {
        const Result<Forest> forest = Forest::FromBytes(forged, kernel);
        if (!forest) {
          ++refused;
          continue;
        }
        ++taken;
        std::vector<double> out(24 / forest->inputs().size() * forest->outputs().size());
        forest->Predict(
            std::span(rows).first(out.size() / forest->outputs().size() * forest->inputs().size()),
            out);  // ASan looks on
      }
    }
  }
  EXPECT_GT(taken, 0U);
  EXPECT_GT(refused, 0U);
}

struct Forgery {
  const char* name;
  std::size_t offset;
  std::uint32_t number;
  std::string_view error;
};
using H = forest_format::Header;
using T = forest_format::Tile;
constexpr std::size_t kFirstTile = sizeof(H);  // three levels, going on to tiles

class ForgedForestFile : public testing::TestWithParam<Forgery> {};

TEST_P(ForgedForestFile, IsRefusedWithItsReason) {
  std::string bytes =
      CompileForest(ForestMaker({.trees = 1, .features = 3, .leaf_share = 0}, 4).Make());
  std::memcpy(bytes.data() + GetParam().offset, &GetParam().number, sizeof GetParam().number);
  const Result<Forest> forest = Forest::FromBytes(Sealed(bytes));
  ASSERT_FALSE(forest);
  EXPECT_THAT(forest.error().message, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ForgedForestFile,
    testing::Values(
        Forgery{"OfNoFeatures", offsetof(H, feature_count), 0, "damaged header"},
        Forgery{"OfTooManyFeatures", offsetof(H, feature_count), 65'537, "damaged header"},
        Forgery{"OfAFeatureWithoutName", offsetof(H, feature_count), 4,
                "a name lies out of bounds"},
        Forgery{"OfAFeatureTooFew", offsetof(H, feature_count), 2, "a test of no feature"},
        Forgery{"OfNoMargins", offsetof(H, margin_count), 0, "damaged header"},
        Forgery{"OfTooManyTrees", offsetof(H, tree_count), 0xFFFFFFFF,
                "a section lies out of bounds"},
        Forgery{"OfTooManyLines", offsetof(H, line_count), 0xFFFFFFFF,
                "a section lies out of bounds"},
        Forgery{"OfAnUnknownLink", offsetof(H, link), 99, "damaged header"},
        Forgery{"ThatGoesRoundInACircle", kFirstTile + offsetof(T, first) + 4, 0,
                "the next tile lies out of bounds"},
        Forgery{"ThatGoesOnOutside", kFirstTile + offsetof(T, first) + 4, 0x00FFFFFF,
                "the next tile lies out of bounds"},
        Forgery{"ThatGoesOnFarOutside", kFirstTile + offsetof(T, first) + 4, 0xFFFFFFFF,
                "the next tile lies out of bounds"},
        Forgery{"WithLeavesOutside", kFirstTile + offsetof(T, first), 0xFFFFFFFF,
                "a leaf lies out of bounds"},
        Forgery{"WithTestsThatAreNone", kFirstTile + offsetof(T, tests), 0xFF,
                "tests that are none"},
        Forgery{"WithoutTestsThatItsExitsNeed", kFirstTile + offsetof(T, tests), 0x01,
                "exits that fit no tests"},
        Forgery{"OfALaterVersion", offsetof(H, version), 3,
                "forest file of version 3, expected 1 or 2"},
        Forgery{"OfAnotherByteOrder", offsetof(H, byte_order), 0x04030201, "in another order"}),
    [](const auto& param) { return param.param.name; });

TEST(ForestFile, OfALaterVersionIsNoDamage) {
  std::string bytes = CompileForest(SmallForest());
  bytes[offsetof(forest_format::Header, version)] = 3;
  EXPECT_EQ(Forest::FromBytes(bytes).error().code, ErrorCode::kInvalidArgument);
}

TEST(ForestFile, ThatIsNotThereIsNamed) {
  const preprocessing::TempFolder folder;
  const Result<Forest> absent = Forest::Open(folder.path() / "no.forest");
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr("no.forest"));
  EXPECT_EQ(Forest::Open(folder.path()).error().code, ErrorCode::kIo);
  const Result<Forest> other = Forest::Open(folder.Write("other.forest", "hello"));
  EXPECT_EQ(other.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(other.error().message, HasSubstr("other.forest: not a forest file"));
}

}  // namespace
}  // namespace forkcast::model
