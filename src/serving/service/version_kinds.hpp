#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/artefact/alias_history.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/drift_reference.hpp"
#include "model/learn/version.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A kind of published version that can be served.
struct VersionKind {
  std::string_view kind;  ///< What the member "kind" of its manifest says.
  /// Reads the version, compares its files with its manifest, maps and verifies the deployment's
  /// snapshots. Errors name the file concerned. Blocks on the disk.
  Result<std::shared_ptr<const ServedPipeline>> (*load)(const model::VersionInfo& version,
                                                        const Deployment& deployment,
                                                        preprocessing::SnapshotPool& pool);
};

/// Every kind that can be served. A new one is a line in this table (../README.md).
[[nodiscard]] std::span<const VersionKind> VersionKinds() noexcept;

/// What answers call a version: its number or, of one that lies outside of a registry, the first
/// digits of its manifest's hash.
[[nodiscard]] std::string VersionText(const model::Version& version);

/// The bins that a version's rows are compared with; null when it has none that can be read, which
/// costs the watching and not the serving.
[[nodiscard]] std::shared_ptr<const model::DriftReference> DriftReferenceOf(
    const model::Version& version);

/// When the alias by which a deployment names the version meant which; empty where it names none.
[[nodiscard]] std::vector<model::AliasMove> AliasMovesOf(const model::VersionInfo& version,
                                                         const Deployment& deployment);

/// Brings what "MODEL@REFERENCE" means in the registry `models` to this machine, where it is loaded
/// from. Nothing to do where the registry is a folder. Blocks on the network.
[[nodiscard]] Status RefreshVersion(const std::string& reference,
                                    const std::filesystem::path& models, model::Effort effort);

/// Where "MODEL@REFERENCE" stands on this machine: an alias, which is a small file or a symbolic
/// link, or a version's folder.
[[nodiscard]] std::filesystem::path VersionPath(const std::string& reference,
                                                const std::filesystem::path& models);

/// Loads the version whose files lie in `folder`, outside of a registry, of whichever kind it is:
/// as `train` writes it in a container. kInvalidArgument for a version of no kind, and as
/// VersionKind::load.
[[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> LoadVersionFolder(
    const std::filesystem::path& folder, const Deployment& deployment,
    preprocessing::SnapshotPool& pool);

/// Loads the version that a deployment names in the registry `models`, of whichever kind it is, as
/// far as it is on this machine (RefreshVersion()). kNotFound naming what there is,
/// kInvalidArgument for a version of no kind, and as VersionKind::load.
[[nodiscard]] Result<std::shared_ptr<const ServedPipeline>> LoadVersion(
    const Deployment& deployment, const std::filesystem::path& models,
    preprocessing::SnapshotPool& pool);

}  // namespace forkcast::serving
