#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_preprocessing/series/aggregate_spec.hpp"

namespace forkcast::preprocessing {

/// What became of periods after they were visible, key by key, and of a key in the order of time:
/// from an instant on a row (a period's place) has the value that the next revision of it undoes,
/// or the grid's; until then `before`.
struct GridRevisions {
  std::vector<std::int64_t> instants;
  std::vector<std::uint64_t> rows;
  std::vector<std::vector<double>> before;  ///< By column; NaN: missing.
};

/// A row of the source in a period of one key.
struct RevisedRow {
  std::uint32_t period = 0;  ///< Counted from the key's first.
  std::uint32_t row = 0;     ///< Position in RevisedColumn::numbers; ascends with ingestion.
  std::int64_t known = 0;
  std::int64_t time = 0;  ///< Where an operation asks for it.
};

struct RevisedColumn {
  AggregateOp op = AggregateOp::kSum;
  const EmptyRule* empty = nullptr;
  std::span<const double> numbers;  ///< By row; empty for kCount.
};

/// Appends the revisions of one key, whose periods are visible from `visible_from` on and whose
/// first one is row `row_begin`. `rows` in the order of ingestion. As of an instant a period is the
/// aggregate of those of its rows that are known by then, added in that order, and where there is
/// none what `empty` says. O(rows), and for each instant at which a late row became known the rows
/// of its period, and of columns that repeat the previous value the periods behind it.
void AppendRevisions(std::span<const RevisedRow> rows, std::span<const RevisedColumn> columns,
                     std::span<const std::int64_t> visible_from, std::uint64_t row_begin,
                     GridRevisions& revisions);

}  // namespace forkcast::preprocessing
