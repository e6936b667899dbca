#pragma once

#include <memory>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A model that was trained elsewhere, as a RowPipeline. As VersionKind::load.
[[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> LoadImported(
    const model::VersionInfo& version, const Deployment& deployment,
    preprocessing::SnapshotPool& pool);

}  // namespace forkcast::serving
