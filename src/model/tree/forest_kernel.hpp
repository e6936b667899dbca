#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/tree/forest_format.hpp"

namespace forkcast::model {

/// What a kernel walks; checked, so that no walk leaves it or goes on without end.
struct ForestTables {
  std::span<const forest_format::Tile> lines;
  std::span<const forest_format::Tree> trees;
  std::span<const std::uint32_t> category_words;
  /// Of a forest whose margins are doubles: what a leaf stands for; each leaf is a position here.
  std::span<const double> leaf_values;
  std::size_t feature_count = 0;
  std::size_t margin_count = 0;
  /// Tiles of every walk from a root to a leaf; 0 when walks differ.
  std::size_t walk_length = 0;
};

/// A way to walk a forest. All give the same floats: they differ in what they ask of the processor.
/// One is a file and a row of the table in forest_kernels.cpp.
struct ForestKernel {
  std::string_view name;
  /// Whether this processor can.
  bool (*runs_here)() noexcept;
  /// Adds the leaves of all trees, in the order of trees, to the margins of each row. `rows`:
  /// row-major, n_rows x feature_count; `margins`: row-major, n_rows x margin_count, which start as
  /// they are given. No allocation. Thread-safe.
  void (*add)(const ForestTables& forest, const float* rows, std::size_t row_count,
              float* margins) noexcept;
  /// The same of a forest whose margins are doubles.
  void (*add_doubles)(const ForestTables& forest, const float* rows, std::size_t row_count,
                      double* margins) noexcept;
};

/// Those that run here, the fastest first; the last one runs everywhere.
[[nodiscard]] std::span<const ForestKernel> ForestKernels() noexcept;

}  // namespace forkcast::model
