#pragma once

#include "data_preprocessing/series/grid_cells.hpp"

namespace forkcast::preprocessing {

/// The cells of `before` with `rows` taken into them. `after` has keys, tallies (but for their
/// `keys`) and what else is not by cell of both already, and gets the rest. Whether rows come at
/// once or in several parts, bit for bit the same. O(cells + rows log(rows of a key)).
void MergeCells(const GridCells& before, const GridRows& rows, const AggregateSources& sources,
                GridCells& after);

}  // namespace forkcast::preprocessing
