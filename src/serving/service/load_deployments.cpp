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

Status BindRoutes(const Deployment& deployment, ServedDeployment& served) {
  auto specs = ParseRoutes(deployment.routes);
  if (!specs) return std::move(specs).error();
  const RouteSubject subject = SubjectOf(*served.pipeline);
  for (RouteSpec& spec : *specs) {
    Result<Route> route = Route::Bind(std::move(spec), subject);
    if (!route) return std::move(route).error();
    served.routes.push_back(std::make_shared<const Route>(*std::move(route)));
  }
  return {};
}

}  // namespace

Result<std::vector<ServedDeployment>> LoadDeployments(std::span<const Deployment> deployments,
                                                      const std::filesystem::path& models) {
  std::vector<ServedDeployment> served;
  SnapshotPool pool;
  for (const Deployment& deployment : deployments) {
    const auto failed = [&deployment](ErrorCode code, const std::string& message) {
      return Error{code, fmt::format("{}: {}", deployment.origin, message)};
    };
    Loaded loaded = LoadPipeline(deployment, models, pool);
    if (!loaded) return failed(loaded.error().code, loaded.error().message);
    ServedDeployment one{.name = deployment.name, .pipeline = *std::move(loaded)};
    if (one.name.empty()) one.name = one.pipeline->spec().name;
    if (std::ranges::find(served, one.name, &ServedDeployment::name) != served.end()) {
      return failed(ErrorCode::kInvalidArgument,
                    fmt::format("a second deployment \"{}\"", one.name));
    }
    if (Status bound = BindRoutes(deployment, one); !bound) return std::move(bound).error();
    served.push_back(std::move(one));
  }
  return served;
}

}  // namespace forkcast::serving
