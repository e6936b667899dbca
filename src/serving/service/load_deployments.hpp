#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/config/deployment.hpp"
#include "serving/service/catalogue.hpp"

namespace forkcast::serving {

/// Loads deployments: pipelines and models are read and checked, snapshots mapped and verified,
/// those that several read once; their routes are bound to them. `models`: the registry that they
/// name models of. All or none; an error names who declared the deployment and the file concerned.
/// Blocks on the disk.
[[nodiscard]] Result<std::vector<ServedDeployment>> LoadDeployments(
    std::span<const Deployment> deployments, const std::filesystem::path& models);

}  // namespace forkcast::serving
