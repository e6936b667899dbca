#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::preprocessing {

/// `forkcast ingest`: takes the pipeline's tables from CSV files into the store, all in one
/// transaction, and publishes the snapshots of its series. Prints one line a table and a series, or
/// with --json one JSON object. A store that it would have created, but could not fill, is not left
/// behind.
[[nodiscard]] Command IngestCommand();

}  // namespace forkcast::preprocessing
