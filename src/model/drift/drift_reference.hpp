#pragma once

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "data_preprocessing/rules/constraints.hpp"
#include "model/drift/drift_bins.hpp"

namespace forkcast::model {

/// What the rows that one version was trained on looked like: frozen bins, and the rules that they
/// kept. Shared, so that who counts in them may outlast what is served.
struct DriftReference : std::enable_shared_from_this<DriftReference> {
  DriftReference(std::filesystem::path its_folder, std::vector<ColumnBins> its_bins,
                 preprocessing::Constraints its_constraints = {})
      : folder(std::move(its_folder)),
        bins(std::move(its_bins)),
        constraints(std::move(its_constraints)) {}

  std::filesystem::path folder;  ///< Of the version.
  std::vector<ColumnBins> bins;
  preprocessing::Constraints constraints;  ///< Without rules where the version has none.
};

/// Those of the version in `folder`. kCorrupt or kIo, naming the file.
[[nodiscard]] Result<std::shared_ptr<const DriftReference>> ReadDriftReference(
    const std::filesystem::path& folder);

}  // namespace forkcast::model
