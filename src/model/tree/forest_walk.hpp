#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "model/tree/forest_format.hpp"
#include "model/tree/forest_kernel.hpp"

// How forests are walked, whatever tells the exit of a tile. A walk waits for memory at each tile,
// so that many go on at once: each asks for its next line and lets the others go first (Asadi, Lin
// & de Vries 2014 interleave rows so; here also trees).
//
// All of it are templates over a kernel's `Row`, which is a type in that file's unnamed namespace:
// each kernel so compiles its own, with the instructions that it may use.
//
//   struct Row {
//     struct Width { explicit Width(std::size_t feature_count) noexcept; };  // worked out once
//     Row(const Width& width, const float* values) noexcept;
//     unsigned Exit(const ForestTables& forest, const forest_format::Tile& tile) const noexcept;
//     static std::uint32_t CountBits(unsigned byte) noexcept;
//   };
namespace forkcast::model::forest_walk {

using forest_format::kLeavesALine;
using forest_format::Tile;
using forest_format::Tree;

/// Walks at once: more would not wait less.
inline constexpr std::size_t kInFlight = 32;

/// From so many rows on, trees that a core's second cache does not hold are better taken one by
/// one, with all rows, than row by row.
inline constexpr std::size_t kManyRows = 64;
inline constexpr std::size_t kLargeForest = (std::size_t{1} << 20U) / sizeof(Tile);

/// Where walks are, as numbers among all floats of the lines: at a tile, or in the end a leaf.
using Positions = std::array<std::uint32_t, kInFlight>;

inline const float* Floats(const ForestTables& forest) noexcept {
  return reinterpret_cast<const float*>(forest.lines.data());
}

inline std::uint32_t RootOf(const Tree& tree) noexcept {
  return static_cast<std::uint32_t>(tree.root * kLeavesALine);
}

/// Where an exit leads, of those that lead this way.
template <typename Row>
inline std::uint32_t Next(const Tile& tile, unsigned exit, unsigned way) noexcept {
  const unsigned before = tile.exits[way] & ((1U << exit) - 1);
  return (tile.first[way] + Row::CountBits(before)) << (4 * way);
}

/// Walks that may end at any tile.
template <typename Row, typename RowOf>
inline void WalkDownOneByOne(const ForestTables& forest, RowOf row_of, std::size_t count,
                             Positions& positions) noexcept {
  const float* const floats = Floats(forest);
  std::uint64_t walking = (std::uint64_t{1} << count) - 1;
  while (walking != 0) {
    for (std::uint64_t left = walking; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      const auto& tile = *reinterpret_cast<const Tile*>(floats + positions[i]);
      const unsigned exit = row_of(i).Exit(forest, tile);
      // Without a branch, which no processor would foresee.
      const unsigned way = (unsigned{tile.exits[forest_format::kToTile]} >> exit) & 1U;
      positions[i] = Next<Row>(tile, exit, way);
      __builtin_prefetch(floats + positions[i]);
      walking ^= std::uint64_t{way == forest_format::kToLeaf} << i;
    }
  }
}

/// Walks that all have as many tiles, so that none is asked whether it has ended.
template <typename Row, typename RowOf>
inline void WalkDownTogether(const ForestTables& forest, RowOf row_of, std::size_t count,
                             Positions& positions) noexcept {
  const float* const floats = Floats(forest);
  for (std::size_t length = 1; length < forest.walk_length; ++length) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& tile = *reinterpret_cast<const Tile*>(floats + positions[i]);
      positions[i] = Next<Row>(tile, row_of(i).Exit(forest, tile), forest_format::kToTile);
      __builtin_prefetch(floats + positions[i]);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& tile = *reinterpret_cast<const Tile*>(floats + positions[i]);
    positions[i] = Next<Row>(tile, row_of(i).Exit(forest, tile), forest_format::kToLeaf);
  }
}

/// Walks from where each of `count` positions is down to its leaf. `row_of(i)` is the row of walk
/// i.
template <typename Row, typename RowOf>
inline void WalkDown(const ForestTables& forest, RowOf row_of, std::size_t count,
                     Positions& positions) noexcept {
  if (forest.walk_length == 0) {
    WalkDownOneByOne<Row>(forest, row_of, count, positions);
  } else {
    WalkDownTogether<Row>(forest, row_of, count, positions);
  }
}

template <typename Row>
struct SameRow {
  const Row& row;
  const Row& operator()(std::size_t /*walk*/) const noexcept { return row; }
};

template <typename Row>
struct RowAfterRow {
  const typename Row::Width& width;
  std::size_t feature_count;
  const float* values;
  Row operator()(std::size_t walk) const noexcept {
    return Row(width, values + walk * feature_count);
  }
};

/// What the leaf at a position adds.
template <typename Margin>
inline Margin LeafAt(const ForestTables& forest, std::uint32_t position) noexcept {
  const float leaf = Floats(forest)[position];
  if constexpr (std::is_same_v<Margin, float>) {
    return leaf;
  } else {
    return forest.leaf_values[static_cast<std::uint32_t>(leaf)];
  }
}

/// All trees for one row.
template <typename Row, typename Margin>
inline void AddRow(const ForestTables& forest, const float* values, Margin* margins) noexcept {
  const Row row(typename Row::Width(forest.feature_count), values);
  Positions positions;
  for (std::size_t first = 0; first < forest.trees.size(); first += kInFlight) {
    const Tree* const trees = forest.trees.data() + first;
    const std::size_t count = std::min(kInFlight, forest.trees.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      positions[i] = RootOf(trees[i]);
      __builtin_prefetch(Floats(forest) + positions[i]);
    }
    WalkDown<Row>(forest, SameRow<Row>{row}, count, positions);
    for (std::size_t i = 0; i < count; ++i) {
      margins[trees[i].margin] += LeafAt<Margin>(forest, positions[i]);
    }
  }
}

/// One tree after the other for all rows; the next tree's lines come while one is walked.
template <typename Row, typename Margin>
inline void AddTrees(const ForestTables& forest, const float* rows, std::size_t row_count,
                     Margin* margins) noexcept {
  const typename Row::Width width(forest.feature_count);
  const std::size_t groups = (row_count + kInFlight - 1) / kInFlight;
  Positions positions;
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    const Tree& tree = forest.trees[t];
    // A tree's lines end where the next one's begin.
    const auto begin_of = [&forest](std::size_t index) -> std::size_t {
      return index < forest.trees.size() ? forest.trees[index].root : forest.lines.size();
    };
    std::size_t ahead = begin_of(t + 1);
    const std::size_t end = std::max(ahead, begin_of(t + 2));
    const std::size_t step = (end - ahead + groups - 1) / groups;
    for (std::size_t first = 0; first < row_count; first += kInFlight) {
      const std::size_t count = std::min(kInFlight, row_count - first);
      for (const std::size_t stop = std::min(end, ahead + step); ahead < stop; ++ahead) {
        __builtin_prefetch(forest.lines.data() + ahead);
      }
      for (std::size_t i = 0; i < count; ++i) positions[i] = RootOf(tree);
      const float* const values = rows + first * forest.feature_count;
      WalkDown<Row>(forest, RowAfterRow<Row>{width, forest.feature_count, values}, count,
                    positions);
      for (std::size_t i = 0; i < count; ++i) {
        margins[(first + i) * forest.margin_count + tree.margin] +=
            LeafAt<Margin>(forest, positions[i]);
      }
    }
  }
}

/// ForestKernel::add and add_doubles. `Plain` is a row of a forest without categories, with nothing
/// missing; `Any` is any.
template <typename Plain, typename Any, typename Margin>
inline void Add(const ForestTables& forest, const float* rows, std::size_t row_count,
                Margin* margins) noexcept {
  const bool is_plain = forest.category_words.empty();
  const std::size_t width = forest.feature_count;
  if (row_count >= kManyRows && forest.lines.size() >= kLargeForest) {
    if (is_plain && !Plain::HasMissing(rows, row_count * width)) {
      AddTrees<Plain>(forest, rows, row_count, margins);
    } else {
      AddTrees<Any>(forest, rows, row_count, margins);
    }
    return;
  }
  for (std::size_t i = 0; i < row_count; ++i) {
    const float* const values = rows + i * width;
    if (is_plain && !Plain::HasMissing(values, width)) {
      AddRow<Plain>(forest, values, margins + i * forest.margin_count);
    } else {
      AddRow<Any>(forest, values, margins + i * forest.margin_count);
    }
  }
}

}  // namespace forkcast::model::forest_walk
