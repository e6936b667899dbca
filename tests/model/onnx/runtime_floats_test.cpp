// Expected numbers are ONNX Runtime's (1.32).
#include "model/onnx/runtime_floats.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>

namespace forkcast::model::onnx {
namespace {

struct BlockCase {
  std::string name;
  std::size_t outputs;
  std::size_t inputs;
  std::size_t block;

  friend std::ostream& operator<<(std::ostream& out, const BlockCase& one) {
    return out << one.name;
  }
};

class ProductBlockTest : public testing::TestWithParam<BlockCase> {};

TEST_P(ProductBlockTest, IsThatOfItsShape) {
  EXPECT_EQ(ProductBlock(GetParam().outputs, GetParam().inputs), GetParam().block);
}

INSTANTIATE_TEST_SUITE_P(Cases, ProductBlockTest,
                         testing::Values(BlockCase{"OfOneSum", 1, 300, 1024},
                                         BlockCase{"OfFewSums", 40, 300, 256},
                                         BlockCase{"OfManySumsOfFew", 300, 5, 8},
                                         BlockCase{"OfManySumsOfOne", 300, 1, 1},
                                         BlockCase{"OfManySumsOfMany", 3000, 300, 128}),
                         [](const auto& param) { return param.param.name; });

TEST(AddProducts, RoundsInTheOrderOfItsBlocks) {
  constexpr std::array kA{3e7F, 1.5F, -3e7F, 0.1F, 7.0F};
  constexpr std::array kB{1.1F, 1.3F, 1.1F, 0.7F, 0.3F};
  EXPECT_EQ(AddProducts(kA, kB.data(), 1024, 0.5F, 0.25F), 0x1.fa351p+0F);
  EXPECT_EQ(AddProducts(kA, kB.data(), 2, 0.5F, 0.25F), 0x1.066668p+1F);
}

TEST(AddProducts, LeavesTheSignOfZeroWithoutAnOffset) {
  constexpr std::array kNothing{0.0F};
  EXPECT_TRUE(std::signbit(AddProducts(kNothing, kNothing.data(), 8, -1.0F, kNoOffset)));
  EXPECT_FALSE(std::signbit(AddProducts(kNothing, kNothing.data(), 8, -1.0F, 0.0F)));
}

TEST(RuntimeTanh, IsTheQuotientThatOnnxRuntimeTakes) {
  EXPECT_EQ(RuntimeTanh(0.001F), 0x1.0624d6p-10F);
  EXPECT_EQ(RuntimeTanh(-2.5F), -0x1.f92584p-1F);
  EXPECT_EQ(RuntimeTanh(4.0F), 0x1.ffa814p-1F);
  EXPECT_EQ(RuntimeTanh(8.5F), 0x1.fffffcp-1F);
  EXPECT_EQ(RuntimeTanh(-std::numeric_limits<float>::infinity()), -1.0F);
  EXPECT_TRUE(std::isnan(RuntimeTanh(std::nanf(""))));
}

}  // namespace
}  // namespace forkcast::model::onnx
