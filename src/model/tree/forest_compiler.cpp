#include "model/tree/forest_compiler.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "model/tree/category_set.hpp"
#include "model/tree/forest_format.hpp"

namespace forkcast::model {
namespace {

using forest_format::Header;
using forest_format::kExits;
using forest_format::kLeavesALine;
using forest_format::kSlots;
using forest_format::kTests;
using forest_format::kToLeaf;
using forest_format::kToTile;
using forest_format::Tile;

using Node = ForestSource::Node;

constexpr std::size_t kMostLines = std::size_t{1} << 28U;

/// Cuts trees into tiles, tree by tree. A tree's lines stand together, each tile before the tiles
/// below it, those of one tile side by side; where most rows came in training, the walk goes on to
/// lines close by.
class TileWriter {
 public:
  /// `walk_length`: so many tiles has each walk, where it would have fewer; 0 or 1: as it comes.
  explicit TileWriter(std::size_t walk_length) : walk_length_(walk_length) {}

  /// The line of the tree's first tile.
  std::uint32_t Add(const ForestSource::Tree& tree) {
    tree_ = &tree;
    open_leaves_.reset();
    const std::uint32_t root = AddLines(1);
    std::vector<OpenTile> open{{.line = root, .node = 0, .length = 1}};
    while (!open.empty()) {
      const OpenTile tile = open.back();
      open.pop_back();
      std::vector<OpenTile> below = WriteTile(tile);
      // The heaviest on top: it is written next.
      std::ranges::stable_sort(
          below, {}, [&tree](const OpenTile& next) { return tree.nodes[next.node].weight; });
      open.insert(open.end(), below.begin(), below.end());
    }
    return root;
  }

  [[nodiscard]] const std::vector<Tile>& lines() const noexcept { return lines_; }
  /// Sets of categories: the number of words, and as many words of 32 bits.
  [[nodiscard]] const std::vector<std::uint32_t>& category_words() const noexcept {
    return category_words_;
  }

 private:
  /// One that has a line and no content yet.
  struct OpenTile {
    std::uint32_t line = 0;
    std::uint32_t node = 0;  ///< That it begins with.
    std::size_t length = 0;  ///< Of the walk, with this tile.
  };

  /// What stands where in a tile: positions 0 to 6 are tests, 7 to 14 exits.
  using Positions = std::array<std::optional<std::uint32_t>, kTests + kExits>;

  /// Nodes of a tile that begins with `node`. A leaf stands at the leftmost exit below its
  /// position.
  [[nodiscard]] Positions Place(std::uint32_t node) const {
    Positions positions;
    positions[0] = node;
    for (std::size_t i = 0; i < kTests; ++i) {
      if (!positions[i]) continue;
      const Node& test = tree_->nodes[*positions[i]];
      if (test.is_leaf()) {
        positions[2 * i + 1] = std::exchange(positions[i], std::nullopt);
      } else {
        positions[2 * i + 1] = test.left;
        positions[2 * i + 2] = test.right;
      }
    }
    return positions;
  }

  /// Gives the tiles below. A leaf that comes too early is a tile of its own, without a test.
  std::vector<OpenTile> WriteTile(const OpenTile& open) {
    const Positions positions = Place(open.node);
    Tile tile;
    for (std::size_t i = 0; i < kTests; ++i) {
      if (positions[i]) WriteTest(i, tree_->nodes[*positions[i]], tile);
    }
    std::vector<std::uint32_t> below;
    std::vector<float> leaves;
    for (std::size_t exit = 0; exit < kExits; ++exit) {
      const std::optional<std::uint32_t> at = positions[kTests + exit];
      if (!at) continue;
      const Node& next = tree_->nodes[*at];
      const auto bit = static_cast<std::uint8_t>(1U << exit);
      if (next.is_leaf() && open.length >= walk_length_) {
        tile.exits[kToLeaf] |= bit;
        leaves.push_back(next.value);
      } else {
        tile.exits[kToTile] |= bit;
        below.push_back(*at);
      }
    }
    if (!below.empty()) tile.first[kToTile] = AddLines(below.size());
    if (!leaves.empty()) tile.first[kToLeaf] = WriteLeaves(leaves, open.line, tile);
    lines_[open.line] = tile;
    std::vector<OpenTile> tiles;
    for (std::size_t i = 0; i < below.size(); ++i) {
      tiles.push_back({.line = tile.first[kToTile] + static_cast<std::uint32_t>(i),
                       .node = below[i],
                       .length = open.length + 1});
    }
    return tiles;
  }

  void WriteTest(std::size_t i, const Node& node, Tile& tile) {
    const auto bit = static_cast<std::uint8_t>(1U << i);
    tile.tests |= bit;
    tile.features[i] = static_cast<std::uint16_t>(node.feature);
    if (node.missing_goes_right) tile.missing_right |= bit;
    tile.slots[i] = node.value;
    if (node.is_category) {
      tile.categorical |= bit;
      tile.slots[i] = std::bit_cast<float>(AddCategories(node));
    }
  }

  /// Where the set begins.
  std::uint32_t AddCategories(const Node& node) {
    return AppendCategorySet(
        std::span(tree_->categories).subspan(node.first_category, node.category_count),
        category_words_);
  }

  /// Leaves of a tile go into the tile where its slots allow, so that a walk that ends there does
  /// not wait for another line; else behind the last leaves of the tree.
  std::uint32_t WriteLeaves(std::span<const float> leaves, std::uint32_t line, Tile& tile) {
    const std::size_t used = static_cast<std::size_t>(std::bit_width(tile.tests));
    if (used + leaves.size() <= kSlots) {
      std::ranges::copy(leaves, tile.slots.begin() + static_cast<std::ptrdiff_t>(used));
      return static_cast<std::uint32_t>(line * kLeavesALine + used);
    }
    if (!open_leaves_ || *open_leaves_ % kLeavesALine + leaves.size() > kLeavesALine ||
        *open_leaves_ % kLeavesALine == 0) {
      open_leaves_ = AddLines(1) * kLeavesALine;
    }
    const std::size_t begin = *open_leaves_;
    std::memcpy(reinterpret_cast<std::byte*>(lines_.data()) + begin * sizeof(float), leaves.data(),
                leaves.size_bytes());
    *open_leaves_ += leaves.size();
    return static_cast<std::uint32_t>(begin);
  }

  std::uint32_t AddLines(std::size_t count) {
    if (lines_.size() + count > kMostLines) throw std::length_error("a forest of over 16 GB");
    const std::size_t first = lines_.size();
    lines_.resize(first + count);
    return static_cast<std::uint32_t>(first);
  }

  std::size_t walk_length_;
  const ForestSource::Tree* tree_ = nullptr;
  std::vector<Tile> lines_;
  std::vector<std::uint32_t> category_words_;
  std::optional<std::size_t> open_leaves_;  ///< Behind the last leaf outside of a tile.
};

/// How long all walks are made, so that kernels need not look where each ends: as long as the
/// longest, if that is short and makes the file not much larger; else 0.
std::size_t CommonWalkLength(const ForestSource& source) {
  constexpr std::size_t kLevels = 3;  // of a tile
  constexpr std::size_t kLongest = 3;
  std::array<std::size_t, kLongest + 1> leaves{};  // by the length of their walk
  std::size_t tiles = 0;
  std::size_t longest = 0;
  for (const ForestSource::Tree& tree : source.trees) {
    std::vector<std::size_t> depths(tree.nodes.size());
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const Node& node = tree.nodes[i];
      if (node.is_leaf()) {
        const std::size_t length = std::max<std::size_t>(1, (depths[i] + kLevels - 1) / kLevels);
        if (length > kLongest) return 0;
        longest = std::max(longest, length);
        ++leaves[length];
      } else {
        depths[node.left] = depths[node.right] = depths[i] + 1;
        tiles += depths[i] % kLevels == 0 ? 1 : 0;
      }
    }
  }
  std::size_t added = 0;
  for (std::size_t length = 1; length < longest; ++length) {
    added += leaves[length] * (longest - length);
  }
  return added <= tiles / 2 ? longest : 0;
}

template <typename T>
void Append(std::span<const T> elements, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
}

}  // namespace

std::string CompileForest(const ForestSource& source) {
  TileWriter tiles(CommonWalkLength(source));
  std::vector<forest_format::Tree> trees;
  for (const ForestSource::Tree& tree : source.trees) {
    trees.push_back({.root = tiles.Add(tree), .margin = tree.margin});
  }
  Header header;
  header.feature_count = static_cast<std::uint32_t>(source.features.size());
  header.margin_count = static_cast<std::uint32_t>(source.base_margins.size());
  header.tree_count = static_cast<std::uint32_t>(trees.size());
  header.link = static_cast<std::uint32_t>(source.link);
  header.line_count = static_cast<std::uint32_t>(tiles.lines().size());
  header.category_word_count = static_cast<std::uint32_t>(tiles.category_words().size());

  std::string bytes(sizeof header, '\0');
  Append(std::span(tiles.lines()), bytes);
  Append(std::span<const forest_format::Tree>(trees), bytes);
  if (source.doubles) {
    header.version = forest_format::kDoublesVersion;
    const forest_format::DoubleSums sums{.leaf_value_count = source.doubles->leaf_values.size(),
                                         .divisor = source.doubles->divisor,
                                         .factor = source.doubles->factor};
    Append(std::span(&sums, 1), bytes);
    Append(std::span(source.doubles->leaf_values), bytes);
  }
  Append(std::span(source.base_margins), bytes);
  Append(std::span(tiles.category_words()), bytes);
  for (const std::string& name : source.features) {
    const auto size = static_cast<std::uint32_t>(name.size());
    Append(std::span(&size, 1), bytes);
    bytes += name;
  }
  header.file_size = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof header);
  header.checksum = forest_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace forkcast::model
