#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "model/tree/forest_format.hpp"

/// Layout of a SHAP file, as FORMAT.md beside this header writes it down. Shared by CompileShap()
/// (writer), TreeShap (reader) and its kernels, of interest to nobody else.
namespace forkcast::model::shap_format {

static_assert(std::endian::native == std::endian::little, "SHAP files are little endian");

inline constexpr std::array<char, 8> kMagic{'F', 'K', 'S', 'H', 'A', 'P', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::uint32_t kByteOrder = 0x01020304;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t byte_order = kByteOrder;
  std::array<std::uint8_t, 16> checksum{};  // ComputeChecksum()
  std::uint64_t file_size = 0;
  std::uint32_t feature_count = 0;
  std::uint32_t margin_count = 0;
  std::uint32_t group_count = 0;
  std::uint32_t scale = 0;
  std::uint32_t place_count = 0;
  std::uint32_t leaf_count = 0;
  std::uint32_t category_word_count = 0;
  std::uint32_t unused = 0;
};
static_assert(sizeof(Header) == 72);
/// What it is computed of, and how, is that of a forest file.
using forest_format::ComputeChecksum;
static_assert(offsetof(Header, file_size) == offsetof(forest_format::Header, file_size));

/// Trees that lie over each other in a group, each in a lane, so that one instruction is about a
/// test of each of them.
inline constexpr std::size_t kLanes = 8;

// Of a lane's test, above its feature, which has 16 bits.
inline constexpr std::uint32_t kFeatureMask = 0xFFFF;
inline constexpr unsigned kTestBit = 16;          // the tree has a test here
inline constexpr unsigned kMissingRightBit = 17;  // where NaN goes
inline constexpr unsigned kRightFirstBit = 18;    // right is the first side
inline constexpr unsigned kRepeatedBit = 19;      // there is a test `earlier`
inline constexpr unsigned kBelowFirstBit = 20;    // is on the first side of that one

inline constexpr std::uint32_t kLeaf = std::uint32_t{1} << 31U;  // in a child's number

/// Where trees of a group have tests: place over place, as if their shapes were cut out of one. A
/// tree's side with more tests is its first one, so that different shapes cover each other well.
/// A tree without a test here, since it ended above, goes on as if all rows went to the first side;
/// below, all leaves are its own. Places stand level by level, so that a child comes behind its
/// parent. C arrays, since a kernel's file must call nothing that a header defines inline.
struct Place {
  /// By lane: x >= it goes right; of categories, the bits of where the set is.
  float thresholds[kLanes] = {};
  /// By lane: the feature and the bits from kTestBit on.
  std::uint32_t tests[kLanes] = {};
  /// By lane: of the rows that came here in training, those that went to the first side.
  float first_shares[kLanes] = {};
  /// By lane: the nearest test above that asks about the same feature.
  std::uint32_t earlier[kLanes] = {};
  /// By lane: the product, over the tests above that ask about the same feature, of the share that
  /// went this way; 1 without any.
  double reach[kLanes] = {};
  /// First and second side: a place of the group; or, with kLeaf, leaves of the group.
  std::uint32_t children[2] = {};
  std::uint32_t categorical = 0;  // lanes (bits) whose test is of categories
  std::uint32_t repeated = 0;     // lanes (bits) with kRepeatedBit
};
static_assert(sizeof(Place) == 208);

struct Leaves {
  float by_lane[kLanes] = {};
};
static_assert(sizeof(Leaves) == 32);

struct Group {
  std::uint32_t first_place = 0;
  std::uint32_t place_count = 0;
  std::uint32_t first_leaf = 0;
  std::uint32_t leaf_count = 0;
  std::uint32_t margin = 0;
  std::uint32_t features = 0;  // different ones on the path that has most
};
static_assert(sizeof(Group) == 24);

}  // namespace forkcast::model::shap_format
