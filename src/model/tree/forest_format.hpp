#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

/// Layout of a forest file, as FORMAT.md beside this header writes it down. Shared by
/// CompileForest() (writer), Forest (reader) and the kernels, of interest to nobody else.
///
/// The idea (Prasad et al., Treebeard, MICRO 2022): a walk down a tree waits for memory at each
/// node. A tile holds three levels of a tree, seven tests, in one cache line, so that a walk waits
/// once for three levels; and all seven tests can be made at once.
namespace forkcast::model::forest_format {

static_assert(std::endian::native == std::endian::little, "forest files are little endian");

inline constexpr std::array<char, 8> kMagic{'F', 'K', 'F', 'O', 'R', 'S', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kDoublesVersion = 2;  // of a forest whose margins are doubles
inline constexpr std::uint32_t kByteOrder = 0x01020304;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t byte_order = kByteOrder;
  std::array<std::uint8_t, 16> checksum{};  // ComputeChecksum() of the file
  std::uint64_t file_size = 0;
  std::uint32_t feature_count = 0;
  std::uint32_t margin_count = 0;
  std::uint32_t tree_count = 0;
  std::uint32_t link = 0;
  std::uint32_t line_count = 0;
  std::uint32_t category_word_count = 0;
};
static_assert(sizeof(Header) == 64);

inline constexpr std::size_t kTests = 7;  // of a tile: 0; 1 and 2; 3 to 6
inline constexpr std::size_t kExits = 8;  // below tests 3 to 6, from the left
inline constexpr std::size_t kSlots = 9;  // of a tile
inline constexpr std::size_t kLeavesALine = 16;

/// Where an exit leads.
enum Way : std::uint8_t { kToLeaf = 0, kToTile = 1 };

/// Three levels of a tree. Test i goes to test 2i + 1 (left) or 2i + 2 (right), from 3 on to exit
/// 2i - 6 or 2i - 5. Where there is no test, the way goes left.
struct alignas(64) Tile {
  /// Of test i what it compares with: `x >= slots[i]` goes right; of a test of categories the bits
  /// of where their set begins. Slots of no test may hold leaves.
  std::array<float, kSlots> slots{};
  std::array<std::uint16_t, kTests> features{};
  std::uint8_t tests = 0;          // that are there
  std::uint8_t missing_right = 0;  // tests that NaN goes right from
  std::uint8_t categorical = 0;    // tests of categories
  std::uint8_t unused = 0;
  /// By Way: the exits that lead there, as bits.
  std::array<std::uint8_t, 2> exits{};
  /// By Way, below the first of its exits: the leaf's number among all floats of the lines; the
  /// tile's line. Those of the next exits follow.
  std::array<std::uint32_t, 2> first{};
};
static_assert(sizeof(Tile) == 64);

struct Tree {
  std::uint32_t root = 0;    // its tile's line
  std::uint32_t margin = 0;  // that its leaves are added to
};
static_assert(sizeof(Tree) == 8);

/// Of a file with doubles, behind its trees; so many doubles follow.
struct DoubleSums {
  std::uint64_t leaf_value_count = 0;
  double divisor = 1;
  double factor = 1;
};
static_assert(sizeof(DoubleSums) == 24);

/// The exit for each outcome of seven tests, bit i set where test i goes right.
inline constexpr auto kExitOf = [] {
  std::array<std::uint8_t, 1U << kTests> exits{};
  for (std::size_t outcome = 0; outcome < exits.size(); ++outcome) {
    std::size_t test = 0;
    while (test < kTests) test = 2 * test + 1 + ((outcome >> test) & 1U);
    exits[outcome] = static_cast<std::uint8_t>(test - kTests);
  }
  return exits;
}();

/// How many bits a byte has.
inline constexpr auto kBitCount = [] {
  std::array<std::uint8_t, 256> counts{};
  for (std::size_t byte = 0; byte < counts.size(); ++byte) {
    counts[byte] = static_cast<std::uint8_t>(std::popcount(byte));
  }
  return counts;
}();

/// What belongs into Header::checksum of a file of these bytes (at least a header's).
[[nodiscard]] std::array<std::uint8_t, 16> ComputeChecksum(
    std::span<const std::byte> file) noexcept;

}  // namespace forkcast::model::forest_format
