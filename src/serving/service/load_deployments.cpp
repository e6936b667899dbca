#include "serving/service/load_deployments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "serving/routes/route_table.hpp"
#include "serving/service/remote_pipeline.hpp"
#include "serving/service/route_subject.hpp"
#include "serving/service/row_pipeline.hpp"
#include "serving/service/version_kinds.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SnapshotPool;
using Loaded = Result<std::shared_ptr<const ServedPipeline>>;

namespace fs = std::filesystem;

/// What cannot be looked at is none: whoever opens it says why.
bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool IsThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The folder of a place: of a file, that around it.
fs::path FolderOf(const fs::path& place) { return IsFolder(place) ? place : place.parent_path(); }

Loaded LoadPlace(const Deployment& deployment, SnapshotPool& pool) {
  const fs::path& place = deployment.place;
  const bool is_folder = IsFolder(place);
  const bool is_version = is_folder && IsThere(place / kManifestFile);
  const fs::path pipeline = is_folder ? place / "pipeline.json" : place;
  if (!is_version && !IsThere(pipeline)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: holds no model: expected manifest.json, which train writes, or "
                             "pipeline.json",
                             place.string())};
  }
  if (deployment.snapshots.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: there is no folder \"snapshots\", and the server has none",
                             FolderOf(place).string())};
  }
  if (is_version) return LoadVersionFolder(place, deployment, pool);
  return RowPipeline::Load(pipeline, deployment.snapshots, pool);
}

Loaded LoadPipeline(const Deployment& deployment, const fs::path& models, SnapshotPool& pool) {
  if (!deployment.place.empty()) return LoadPlace(deployment, pool);
  if (deployment.remote) return LoadRemote(deployment, pool);
  if (!deployment.model.empty()) return LoadVersion(deployment, models, pool);
  return RowPipeline::Load(deployment.pipeline, deployment.snapshots, pool);
}

/// That what is declared means something for what was loaded.
Status CheckDeclared(const Deployment& deployment, const ServedPipeline& pipeline) {
  if (deployment.cold_start.empty() || pipeline.spec().forecast) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}.cold_start: expected none: pipeline \"{}\" is no forecast, which "
                           "alone has keys without history",
                           deployment.origin, pipeline.spec().name)};
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

LoadAttempt LoadDeployment(const Deployment& deployment, const fs::path& models,
                           const LoadedDeployment& serves, SnapshotPool& pool) {
  Deployment looked_up = deployment;
  looked_up.snapshots = SnapshotsOf(deployment);
  Ingredients made_of;
  Status refreshed;
  if (!deployment.model.empty()) {
    // What serves is refreshed by whoever looks whether it changed, and not while others wait.
    if (!serves.pipeline) {
      refreshed = RefreshVersion(deployment.model, models, model::Effort::kEverything);
    }
    made_of.version = LookAt(std::vector{VersionPath(deployment.model, models)});
  }
  const bool lends = serves.pipeline && made_of.version == serves.made_of.version;
  LoadAttempt attempt{.made_of = std::move(made_of),
                      .loaded = lends ? serves.pipeline->Over(looked_up.snapshots, pool)
                                      : LoadPipeline(looked_up, models, pool)};
  attempt.made_of.snapshots = pool.TakeSeen();
  // Where the registry is away, what was fetched before is served; else it says what is wrong.
  if (!attempt.loaded && !refreshed) attempt.loaded = std::move(refreshed).error();
  if (!attempt.loaded) return attempt;
  const ServedPipeline& pipeline = **attempt.loaded;
  auto routes = BindRoutes(deployment, pipeline);
  const Status fits = CheckDeclared(deployment, pipeline);
  if (routes && fits) {
    attempt.routes = *std::move(routes);
  } else {
    attempt.loaded = fits ? std::move(routes).error() : fits.error();
  }
  return attempt;
}

fs::path SnapshotsOf(const Deployment& deployment) {
  if (deployment.place.empty()) return deployment.snapshots;
  fs::path own = FolderOf(deployment.place) / "snapshots";
  return IsFolder(own) ? own : deployment.snapshots;
}

std::string PlaceOf(const Deployment& deployment) {
  if (!deployment.model.empty()) return deployment.model;
  return (deployment.place.empty() ? deployment.pipeline : deployment.place).string();
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
    one.url = PlaceOf(deployments[i]);
    const std::span before(loaded.data(), i);
    if (std::ranges::find(before, one.name, &ServedDeployment::name) != before.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: a second deployment \"{}\"", deployments[i].origin, one.name)};
    }
  }
  return loaded;
}

Result<std::vector<ServedDeployment>> LoadDeployments(std::span<const Deployment> deployments,
                                                      const fs::path& models) {
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
