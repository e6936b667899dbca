#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "model/tree/forest_format.hpp"

/// Layout of a SHAP file, as FORMAT.md beside this header writes it down. Shared by CompileShap()
/// (writer) and TreeShap (reader), of interest to nobody else.
namespace forkcast::model::shap_format {

static_assert(std::endian::native == std::endian::little, "SHAP files are little endian");

inline constexpr std::array<char, 8> kMagic{'F', 'K', 'S', 'H', 'A', 'P', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kByteOrder = 0x01020304;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t byte_order = kByteOrder;
  std::array<std::uint8_t, 16> checksum{};  // ComputeChecksum()
  std::uint64_t file_size = 0;
  std::uint32_t feature_count = 0;
  std::uint32_t margin_count = 0;
  std::uint32_t tree_count = 0;
  std::uint32_t scale = 0;
  std::uint32_t test_count = 0;
  std::uint32_t leaf_count = 0;
  std::uint32_t category_word_count = 0;
  std::uint32_t unused = 0;
};
static_assert(sizeof(Header) == 72);
/// What it is computed of, and how, is that of a forest file.
using forest_format::ComputeChecksum;
static_assert(offsetof(Header, file_size) == offsetof(forest_format::Header, file_size));

enum Flag : std::uint16_t {
  kCategorical = 1,
  kMissingRight = 2,  // where NaN goes
  kBelowRight = 4,    // of the test `earlier`: on which of its sides this one is
};

inline constexpr std::uint32_t kLeaf = std::uint32_t{1} << 31U;  // in a child's number
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

/// Tests of a tree stand level by level, so that a child comes behind its parent.
struct Test {
  float threshold = 0;  // x >= it goes right; of categories, the bits of where the set is
  /// Left and right: a test of the tree; or, with kLeaf, a leaf of the tree.
  std::array<std::uint32_t, 2> children{};
  std::uint32_t earlier = kNone;  // the nearest test above that asks about the same feature
  std::uint16_t feature = 0;
  std::uint16_t flags = 0;
  float left_share = 0;  // of the rows that came here in training, those that went left
  /// The product, over the tests above that ask about the same feature, of the share that went this
  /// way; 1 without any.
  double reach = 1;
};
static_assert(sizeof(Test) == 32);

struct Tree {
  std::uint32_t first_test = 0;
  std::uint32_t test_count = 0;
  std::uint32_t first_leaf = 0;
  std::uint32_t leaf_count = 0;
  std::uint32_t margin = 0;
  std::uint32_t features = 0;  // different ones on the path that has most
};
static_assert(sizeof(Tree) == 24);

}  // namespace forkcast::model::shap_format
