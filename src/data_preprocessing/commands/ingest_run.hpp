#pragma once

#include "data_preprocessing/command/command_context.hpp"
#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/commands/ingest_summary.hpp"

namespace forkcast::preprocessing {

/// Takes in what the options name, all or nothing, and publishes. Throws Failure.
[[nodiscard]] IngestSummary RunIngest(const IngestOptions& options, const CommandContext& context);

}  // namespace forkcast::preprocessing
