#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/series/snapshot_builder.hpp"

namespace forkcast::preprocessing {

/// `FOLDER/<series>.<hash of its definition>.snapshot`: pipelines that declare a series alike share
/// its file, and one that declares it otherwise does not overwrite it.
[[nodiscard]] std::filesystem::path SnapshotPath(const std::filesystem::path& folder,
                                                 const SeriesSpec& series, const TimeZone& zone);

/// What was published for one series.
struct PublishedSeries {
  std::string series;
  SnapshotReport report;
};

/// Reads every series of the pipeline from the store and publishes its snapshot in `folder`, which
/// is created when absent. Errors as TableDao::Read and SnapshotBuilder::Publish; series before the
/// failing one are published then.
Result<std::vector<PublishedSeries>> PublishSnapshots(TableDao& dao, const PipelineSpec& spec,
                                                      const std::filesystem::path& folder);

/// The snapshots of several pipelines. Those that read the same one share its mapping, which is
/// opened and verified once. Not thread-safe.
class SnapshotPool {
 public:
  /// Opens and verifies the snapshot of every series, in the pipeline's order. kNotFound says to
  /// run ingest; otherwise as Snapshot::Open and Verify.
  Result<std::vector<Snapshot>> Open(const PipelineSpec& spec, const std::filesystem::path& folder);

 private:
  std::map<std::filesystem::path, Snapshot> open_;
};

/// The same for one pipeline alone.
Result<std::vector<Snapshot>> OpenSnapshots(const PipelineSpec& spec,
                                            const std::filesystem::path& folder);

}  // namespace forkcast::preprocessing
