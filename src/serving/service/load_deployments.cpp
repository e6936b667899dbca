#include "serving/service/load_deployments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/routes/route_table.hpp"
#include "serving/service/route_subject.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/service/version_kinds.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SnapshotPool;
using Loaded = Result<std::shared_ptr<const ServedPipeline>>;

Loaded LoadPipeline(const Deployment& deployment, const std::filesystem::path& models,
                    SnapshotPool& pool) {
  if (deployment.model.empty()) {
    return RowPipeline::Load(deployment.pipeline, deployment.snapshots, pool);
  }
  return LoadVersion(deployment, models, pool);
}

Result<std::vector<std::shared_ptr<const Route>>> BindRoutes(const Deployment& deployment,
                                                             const ServedPipeline& pipeline) {
  auto specs = ParseRoutes(deployment.routes);
  if (!specs) return std::move(specs).error();
  std::vector<std::shared_ptr<const Route>> routes;
  const RouteSubject subject = SubjectOf(pipeline);
  for (RouteSpec& spec : *specs) {
    Result<Route> route = Route::Bind(std::move(spec), subject);
    if (!route) return std::move(route).error();
    routes.push_back(std::make_shared<const Route>(*std::move(route)));
  }
  return routes;
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
    attempt.loaded = LoadPipeline(deployment, models, pool);
  }
  attempt.made_of.snapshots = pool.TakeSeen();
  if (!attempt.loaded) return attempt;
  auto routes = BindRoutes(deployment, **attempt.loaded);
  if (routes) {
    attempt.routes = *std::move(routes);
  } else {
    attempt.loaded = std::move(routes).error();
  }
  return attempt;
}

Error DeclaredBy(std::string_view origin, Error error) {
  if (!error.message.starts_with(origin)) {
    error.message = fmt::format("{}: {}", origin, error.message);
  }
  return error;
}

Result<std::vector<ServedDeployment>> NameDeployments(std::span<const Deployment> deployments,
                                                      std::vector<ServedDeployment> loaded) {
  for (std::size_t i = 0; i < deployments.size(); ++i) {
    ServedDeployment& one = loaded[i];
    one.name = deployments[i].name.empty() ? one.pipeline->spec().name : deployments[i].name;
    const std::span before(loaded.data(), i);
    if (std::ranges::find(before, one.name, &ServedDeployment::name) != before.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: a second deployment \"{}\"", deployments[i].origin, one.name)};
    }
  }
  return loaded;
}

Result<std::vector<ServedDeployment>> LoadDeployments(std::span<const Deployment> deployments,
                                                      const std::filesystem::path& models) {
  std::vector<ServedDeployment> loaded;
  SnapshotPool pool;
  for (const Deployment& deployment : deployments) {
    LoadAttempt attempt = LoadDeployment(deployment, models, {}, pool);
    if (!attempt.loaded) return DeclaredBy(deployment.origin, std::move(attempt.loaded).error());
    loaded.push_back(
        {.name = {}, .pipeline = *std::move(attempt.loaded), .routes = std::move(attempt.routes)});
  }
  return NameDeployments(deployments, std::move(loaded));
}

}  // namespace forkcast::serving
