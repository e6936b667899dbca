#include "model/tree/portable_kernel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "model/tree/forest_format.hpp"

namespace forkcast::model {
namespace {

using forest_format::kLeavesALine;
using forest_format::kTests;
using forest_format::Tile;

/// Trees that are walked at once, so that one's next line comes while others are walked.
constexpr std::size_t kInFlight = 32;

bool GoesRight(const ForestTables& forest, const Tile& tile, std::size_t test,
               const float* row) noexcept {
  const float value = row[tile.features[test]];
  if (std::isnan(value)) return ((tile.missing_right >> test) & 1U) != 0;
  if (((tile.categorical >> test) & 1U) != 0) {
    return HasCategory(forest, std::bit_cast<std::uint32_t>(tile.slots[test]), value);
  }
  return value >= tile.slots[test];
}

/// Where a tile leads to, as a number among all floats of the lines.
struct Step {
  std::uint32_t to = 0;
  bool ends = false;
};

Step Walk(const ForestTables& forest, const Tile& tile, const float* row) noexcept {
  std::size_t at = 0;
  while (at < kTests) {
    const bool is_test = ((tile.tests >> at) & 1U) != 0;
    at = 2 * at + 1 + static_cast<std::size_t>(is_test && GoesRight(forest, tile, at, row));
  }
  const auto exit = static_cast<unsigned>(at - kTests);
  const unsigned before = (1U << exit) - 1;
  if (((tile.inner >> exit) & 1U) != 0) {
    const std::uint32_t line = tile.first_tile + forest_format::kBitCount[tile.inner & before];
    return {.to = static_cast<std::uint32_t>(line * kLeavesALine), .ends = false};
  }
  return {.to = tile.first_leaf + forest_format::kBitCount[tile.leaves & before], .ends = true};
}

void AddRow(const ForestTables& forest, const float* row, float* margins) noexcept {
  const auto* const floats = reinterpret_cast<const float*>(forest.lines.data());
  std::array<std::uint32_t, kInFlight> at{};
  for (std::size_t first = 0; first < forest.trees.size(); first += kInFlight) {
    const auto trees =
        forest.trees.subspan(first, std::min(kInFlight, forest.trees.size() - first));
    for (std::size_t i = 0; i < trees.size(); ++i) {
      at[i] = static_cast<std::uint32_t>(trees[i].root * kLeavesALine);
      __builtin_prefetch(floats + at[i]);
    }
    std::uint64_t walking = (std::uint64_t{1} << trees.size()) - 1;
    while (walking != 0) {
      for (std::uint64_t left = walking; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        const Step step = Walk(forest, *reinterpret_cast<const Tile*>(floats + at[i]), row);
        at[i] = step.to;
        __builtin_prefetch(floats + step.to);
        walking ^= std::uint64_t{step.ends} << i;
      }
    }
    for (std::size_t i = 0; i < trees.size(); ++i) margins[trees[i].margin] += floats[at[i]];
  }
}

bool RunsHere() noexcept { return true; }

void Add(const ForestTables& forest, const float* rows, std::size_t row_count,
         float* margins) noexcept {
  for (std::size_t i = 0; i < row_count; ++i) {
    AddRow(forest, rows + i * forest.feature_count, margins + i * forest.margin_count);
  }
}

}  // namespace

const ForestKernel kPortableKernel{.name = "portable", .runs_here = RunsHere, .add = Add};

}  // namespace forkcast::model
