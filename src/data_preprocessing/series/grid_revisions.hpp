#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data_preprocessing/series/aggregate_spec.hpp"
#include "data_preprocessing/series/grid_cells.hpp"

namespace forkcast::preprocessing {

/// What became of periods after they were visible, key by key, and of a key in the order of time:
/// from an instant on a row (a period's place) has the value that the next revision of it undoes,
/// or the grid's; until then `before`.
struct GridRevisions {
  std::vector<std::int64_t> instants;
  std::vector<std::uint64_t> rows;
  std::vector<std::vector<double>> before;  ///< By column; NaN: missing.
};

/// How the late rows of cells become values.
struct RevisedColumn {
  AggregateOp op = AggregateOp::kSum;
  const EmptyRule* empty = nullptr;
  std::size_t source = AggregateSources::kNone;  ///< Position in GridCells::late_numbers.
  std::optional<std::size_t> censored_by{};      ///< As AggregateSpec::CensoredBy().
};

/// The part of a key's cells that is in the grid.
struct RevisedCells {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int32_t first_period = 0;  ///< Of the key in the grid.
  std::uint64_t row_begin = 0;    ///< Its row.
};

/// Appends the revisions of one key, whose periods are visible from `visible_from` on. As of an
/// instant a period is the aggregate of those of its rows that are known by then, added in the
/// order of ingestion, and where there is none what `empty` says. O(cells of the key), and for each
/// instant at which a late row became known the late rows of its period, and of columns that repeat
/// the previous value the periods behind it.
void AppendRevisions(const GridCells& cells, const RevisedCells& of_key,
                     std::span<const RevisedColumn> columns,
                     std::span<const std::int64_t> visible_from, GridRevisions& revisions);

}  // namespace forkcast::preprocessing
