#include "serving/service/load_deployments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/service/version_kinds.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SnapshotPool;
using Loaded = Result<std::shared_ptr<const ServedPipeline>>;

Loaded Load(const Deployment& deployment, const std::filesystem::path& models, SnapshotPool& pool) {
  if (deployment.model.empty()) {
    return RowPipeline::Load(deployment.pipeline, deployment.snapshots, pool);
  }
  return LoadVersion(deployment, models, pool);
}

}  // namespace

LoadAttempt LoadDeployment(const Deployment& deployment, const std::filesystem::path& models,
                           const LoadedDeployment& serves, SnapshotPool& pool) {
  LoadAttempt attempt{.loaded = std::shared_ptr<const ServedPipeline>()};
  if (!deployment.model.empty()) {
    attempt.made_of.version = LookAt(std::vector{VersionPath(deployment.model, models)});
  }
  if (serves.pipeline && attempt.made_of.version == serves.made_of.version) {
    attempt.loaded = serves.pipeline->Over(deployment.snapshots, pool);
  }
  if (attempt.loaded && *attempt.loaded == nullptr) {
    attempt.loaded = Load(deployment, models, pool);
  }
  attempt.made_of.snapshots = pool.TakeSeen();
  return attempt;
}

Result<std::vector<ServedDeployment>> NameDeployments(
    std::span<const Deployment> deployments,
    std::span<const std::shared_ptr<const ServedPipeline>> pipelines) {
  std::vector<ServedDeployment> served;
  for (std::size_t i = 0; i < deployments.size(); ++i) {
    ServedDeployment one{.name = deployments[i].name, .pipeline = pipelines[i]};
    if (one.name.empty()) one.name = one.pipeline->spec().name;
    if (std::ranges::find(served, one.name, &ServedDeployment::name) != served.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: a second deployment \"{}\"", deployments[i].origin, one.name)};
    }
    served.push_back(std::move(one));
  }
  return served;
}

Result<std::vector<ServedDeployment>> LoadDeployments(std::span<const Deployment> deployments,
                                                      const std::filesystem::path& models) {
  std::vector<std::shared_ptr<const ServedPipeline>> pipelines;
  SnapshotPool pool;
  for (const Deployment& deployment : deployments) {
    LoadAttempt attempt = LoadDeployment(deployment, models, {}, pool);
    if (!attempt.loaded) {
      return Error{attempt.loaded.error().code,
                   fmt::format("{}: {}", deployment.origin, attempt.loaded.error().message)};
    }
    pipelines.push_back(*std::move(attempt.loaded));
  }
  return NameDeployments(deployments, pipelines);
}

}  // namespace forkcast::serving
