#pragma once

#include <memory>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/registry.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A published classifier, as a RowPipeline: its outputs are "class" and "probability.NAME" of each
/// class. As VersionKind::load.
[[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> LoadClassifier(
    const model::VersionInfo& version, const Deployment& deployment,
    preprocessing::SnapshotPool& pool);

}  // namespace forkcast::serving
