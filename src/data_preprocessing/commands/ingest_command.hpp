#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/command/command_context.hpp"

namespace forkcast::preprocessing {

/// How `forkcast ingest` ends.
enum class IngestExit {
  kDone = 0,
  kDataRefused = 1,    ///< A CSV file is wrong, or contradicts the store, which is as before.
  kUsage = 2,          ///< Wrong arguments or pipeline file.
  kSeriesRefused = 3,  ///< The rows are stored, but no series can be made of them.
  kIo = 4,             ///< The store or a file cannot be read or written.
};

/// `forkcast ingest`: takes the pipeline's tables from CSV files into the store, all in one
/// transaction, and publishes the snapshots of its series. `arguments` are those behind the word
/// `ingest`. Prints one line a table and a series, or with --json one JSON object; what is wrong
/// goes to `context.err`. Returns an IngestExit. A store that it would have created, but could not
/// fill, is not left behind.
int RunIngestCommand(const std::vector<std::string>& arguments, const CommandContext& context);

}  // namespace forkcast::preprocessing
