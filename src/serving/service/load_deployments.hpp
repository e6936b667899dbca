#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/catalogue.hpp"
#include "serving/service/load_attempt.hpp"

namespace forkcast::serving {

/// A deployment that serves, for the next attempt to load it.
struct LoadedDeployment {
  std::shared_ptr<const ServedPipeline> pipeline{};  ///< Null: it does not serve yet.
  Ingredients made_of{};
};

/// Loads a deployment as it is published now: pipeline and model are read and checked, snapshots
/// mapped and verified, those that others read, too, once for all of the `pool`. `models`: the
/// registry that it names a model of. Of what serves the pipeline's file, or the version if it is
/// the same, is not read again: a file is a setting, which a reload reads, and a version never
/// changes. The routes that it declares are bound to it. Errors name the file concerned, or the
/// place in a route, or that of a cold start of what is no forecast. Blocks on the disk.
///
/// A deployment's `place` is a folder with a version's files, or with a pipeline.json, or a
/// pipeline file. Its snapshots are those in a folder "snapshots" beside these files, else the
/// deployment's.
[[nodiscard]] LoadAttempt LoadDeployment(const Deployment& deployment,
                                         const std::filesystem::path& models,
                                         const LoadedDeployment& serves,
                                         preprocessing::SnapshotPool& pool);

/// The folder of its snapshots: those of its place, else the deployment's. Looks at the disk.
[[nodiscard]] std::filesystem::path SnapshotsOf(const Deployment& deployment);

/// Where what is deployed lies: "MODEL@REFERENCE" of a registry, else the path of file or folder.
[[nodiscard]] std::string PlaceOf(const Deployment& deployment);

/// The error with who declared the deployment before it, unless it begins with that anyway: a place
/// in one of its routes.
[[nodiscard]] Error DeclaredBy(std::string_view origin, Error error);

/// Gives what was loaded the names it is served by, each the deployment's or, where that has none,
/// its pipeline's. kInvalidArgument naming the second of one name. Precondition: as many of both.
[[nodiscard]] Result<std::vector<ServedDeployment>> NameDeployments(
    std::span<const Deployment> deployments, std::vector<ServedDeployment> loaded);

/// Loads deployments for the first time and names them. All or none; errors are DeclaredBy().
[[nodiscard]] Result<std::vector<ServedDeployment>> LoadDeployments(
    std::span<const Deployment> deployments, const std::filesystem::path& models);

}  // namespace forkcast::serving
