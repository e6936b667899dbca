#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::preprocessing {

/// What one ingest did.
struct IngestSummary {
  std::vector<IngestReport> tables;
  std::vector<PublishedSeries> series;
  std::vector<std::string> skipped;
  std::size_t rejected = 0;
};

/// What a person is told, a line each source and series.
[[nodiscard]] std::string TextSummary(const IngestSummary& summary, const IngestOptions& options);
/// The same for a program: one line.
[[nodiscard]] std::string JsonSummary(const IngestSummary& summary, const IngestOptions& options);

}  // namespace forkcast::preprocessing
