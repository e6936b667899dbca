#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::preprocessing {

struct SnapshotReport {
  std::size_t keys = 0;
  std::size_t rows = 0;  ///< Rows kept: of equal (key, time, visibility) only the last remains.
  std::uint64_t bytes = 0;
  std::optional<Instant> watermark;
};

/// Turns rows, in the order in which they were ingested, into a snapshot file (FORMAT.md).
/// Holds all rows in memory; O(n log(rows of a key)).
class SnapshotBuilder {
 public:
  /// `spec` must be valid (as a PipelineSpec has it) and outlive the builder.
  SnapshotBuilder(const SeriesSpec& spec, std::string zone_name);

  /// Appends rows whose schema is spec.ReadSchema(). kInvalidArgument when there would be more than
  /// 2^32 - 2 rows.
  Status Add(const Table& batch);

  /// Writes, verifies and then publishes the snapshot under `path` by rename. kIo or kCorrupt; what
  /// was published before then remains.
  Result<SnapshotReport> Publish(const std::filesystem::path& path) const;

 private:
  const SeriesSpec& spec_;
  std::string zone_name_;
  Table rows_;
};

}  // namespace forkcast::preprocessing
