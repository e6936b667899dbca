#pragma once

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "model/drift/drift_bins.hpp"

namespace forkcast::model {

/// The frozen bins of one version. Shared, so that who counts in them may outlast what is served.
struct DriftReference : std::enable_shared_from_this<DriftReference> {
  DriftReference(std::filesystem::path its_folder, std::vector<ColumnBins> its_bins)
      : folder(std::move(its_folder)), bins(std::move(its_bins)) {}

  std::filesystem::path folder;  ///< Of the version.
  std::vector<ColumnBins> bins;
};

/// The bins of the version in `folder`. kCorrupt or kIo, naming the file.
[[nodiscard]] Result<std::shared_ptr<const DriftReference>> ReadDriftReference(
    const std::filesystem::path& folder);

}  // namespace forkcast::model
