#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>

#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"

/// What the manifests of all kinds of model have in common.
namespace forkcast::model {

/// Null for no number, and for one that JSON cannot hold.
[[nodiscard]] nlohmann::ordered_json OrNull(std::optional<double> value);

/// Name, version and hash of a pipeline's document.
[[nodiscard]] nlohmann::ordered_json PipelineIdentity(const preprocessing::PipelineSpec& spec,
                                                      const nlohmann::ordered_json& document);

/// The hash of each series, as it was read: `snapshots` are those that OpenSnapshots gave for
/// `spec`, whatever was published under their names since. O(bytes).
[[nodiscard]] nlohmann::ordered_json SnapshotHashes(
    const preprocessing::PipelineSpec& spec, std::span<const preprocessing::Snapshot> snapshots);

}  // namespace forkcast::model
